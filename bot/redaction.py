"""Secrets taken out of what pipelines print, before anybody is shown it.

Two nets: what this bot itself holds, and what looks like a credential. The second one is for secrets of others, so it
goes by shapes that their makers made recognisable, and by the words that stand in front of secrets.

Pipelines print what they like, a megabyte without a space too: no pattern may look at a character more than a few
times.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from bot.domain.pipeline import StepLog
from bot.logs import HIDDEN, Secrets, hidden

_KEY = r"(?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?"
_ARMOURED = re.compile(rf"-----BEGIN {_KEY}-----.*?(?:-----END {_KEY}-----|\Z)", re.DOTALL)
_ARMOURED_END = re.compile(rf"\A(?:[\w+/=:, -]*\n)*?-----END {_KEY}-----")
"""the rest of a key whose beginning was cut off with the lines before it"""

SHAPES = (
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_\w{20,}",
    r"\bglpat-[\w-]{16,}",
    r"\bxox[a-z]-[\w-]{10,}",
    r"\bxapp-[\w-]{10,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\bAIza[\w-]{35}",
    r"\bsk_(?:live|test)_\w{16,}",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[\w-]{30,}",
    r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*",
)
_SHAPES = re.compile("|".join(f"(?:{shape})" for shape in SHAPES))
_HEADER = re.compile(r"(?i)(\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:(?:basic|bearer|token)\s+)?)[^\s\"',]+")
_SCHEME = re.compile(r"(?i)(\b(?:bearer|basic)\s+)(?=[^\s]*[\d=])[\w.+/~=-]{16,}")
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@]*:)[^\s/@]+(?=@)")
_TOKEN_IN_URL = re.compile(r"(\bhttps?://)[^\s/:@]{16,}(?=@)")
_NAMED = re.compile(
    r"(?i)((?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
    r"[\w-]{0,60}[\"']?\s*(?:=|:\s)\s*)(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&]+)"
)
_FLAG = re.compile(r"(?i)(--?(?:password|token|secret|passphrase)[ ])(?!-)(\S+)")
HARMLESS = frozenset({"", "true", "false", "yes", "no", "none", "null", "set", "unset", "***", HIDDEN})


class Redactor:
    """`secrets` are asked for at each use, so that rotated ones are known."""

    def __init__(self, secrets: Secrets = tuple) -> None:
        self._secrets = secrets

    def text(self, text: str) -> str:
        return _without_shapes(hidden(text, self._secrets()))

    def log(self, log: StepLog) -> StepLog:
        """Line by line, but for what goes over several lines."""
        return replace(log, lines=tuple(self.text("\n".join(log.lines)).split("\n")) if log.lines else ())

    def logs(self, logs: Iterable[StepLog]) -> tuple[StepLog, ...]:
        return tuple(self.log(log) for log in logs)


def _without_shapes(text: str) -> str:
    if "PRIVATE KEY" in text:
        text = _ARMOURED.sub(HIDDEN, text)
        text = _ARMOURED_END.sub(HIDDEN, text)
    text = _SHAPES.sub(HIDDEN, text)
    for shape in (_HEADER, _SCHEME, _IN_URL, _TOKEN_IN_URL):
        text = shape.sub(rf"\1{HIDDEN}", text)
    text = _NAMED.sub(_named, text)
    return _FLAG.sub(rf"\1{HIDDEN}", text)


def _named(found: re.Match[str]) -> str:
    """What stands behind the word "password": unless it is no secret but a switch, or a variable's name."""
    before, value = found.groups()
    bare = value.strip("\"'")
    if bare.lower() in HARMLESS or bare.startswith("$"):
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{before}{quote}{HIDDEN}{quote}"
