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
from bot.runtime.logs import HIDDEN, Secrets, hidden

_KEY = r"(?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?"
_ARMOURED = re.compile(rf"-----BEGIN {_KEY}-----.*?(?:-----END {_KEY}-----|\Z)", re.DOTALL)
_ARMOURED_END = re.compile(rf"\A(?:[\w+/=:, -]*\n)*?-----END {_KEY}-----")
"""the rest of a key whose beginning was cut off with the lines before it"""

SHAPES = (
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_\w{20,}",
    r"\bglpat-[\w-]{16,}",
    r"\bgl(?:dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{16,}",
    r"\bxox[a-z]-[\w-]{10,}",
    r"\bxoxe\.xox[bp]-[\w-]{10,}",
    r"\bxapp-[\w-]{10,}",
    r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{10,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\bAIza[\w-]{35}",
    r"\bya29\.[\w-]{20,}",
    r"\bsk_(?:live|test)_\w{16,}",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[\w-]{30,}",
    r"\brubygems_[0-9a-f]{40,}",
    r"\bdckr_[a-z]{2,4}_[\w-]{20,}",
    r"\bdop_v1_[0-9a-f]{40,}",
    r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    # Vault: service, batch and recovery tokens, and those of before 1.10, which always have a digit.
    r"\bhv[sbr]\.[\w-]{20,}",
    r"(?<![\w./-])[sbr]\.(?=[A-Za-z]{0,23}[0-9])[A-Za-z0-9]{24}(?![\w.])",
    # A client secret of Azure: its version and "Q~" stand in fourth place.
    r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])",
    r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*",
)
_SHAPES = re.compile("|".join(f"(?:{shape})" for shape in SHAPES))
_COLOURS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_HEADER = re.compile(
    r"(?i)(\b(?:proxy-)?authorization\\?[\"']?\s*[:=]\s*\\?[\"']?"
    r"(?:(?:basic|bearer|token|negotiate|apikey|aws4-hmac-sha256)\s+)?)[^\s\"',\\]+"
)
_OWN_HEADER = re.compile(
    r"(?i)(\b(?:x-vault-token|x-api-key|x-auth-token|x-amz-security-token|private-token|job-token|x-functions-key"
    r"|ocp-apim-subscription-key)\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\s\"',\\]+"
)
_COOKIE = re.compile(r"(?i)(\b(?:set-)?cookie:\s*)[^\n\"']+")
_SCHEME = re.compile(r"(?i)(\b(?:bearer|basic)\s+)(?=[^\s]*[\d=])[\w.+/~=-]{16,}")
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@]*:)[^\s/@]+(?=@)")
_TOKEN_IN_URL = re.compile(r"(\bhttps?://)[^\s/:@]{16,}(?=@)")
_AZURE_KEY = re.compile(r"(?i)(\b(?:account|sharedaccess|shared_access)_?key\s*=\s*)[A-Za-z0-9+/]{20,}={0,2}")
_AZURE_SIGNATURE = re.compile(r"(?i)((?:[?&;]|\b)sig=)[A-Za-z0-9%+/_-]{20,}(?:=|%3D){0,2}")
_DOCKER_AUTH = re.compile(r"(\\?[\"'](?:auth|identitytoken|registrytoken)\\?[\"']\s*:\s*\\?[\"'])[^\s\"'\\]{4,}")
_DOCKER_CONFIG = re.compile(r"(?i)(\.?dockerconfig(?:json)?\\?[\"']?\s*[:=]\s*\\?[\"']?)[A-Za-z0-9+/]{16,}={0,2}")
_USER = re.compile(
    r"((?:^|(?<=[\s\"'\[,(]))(?:-[a-zA-Z]{0,8}u|--(?:proxy-)?user|--(?:src-|dest-)?creds)"
    r"(?:[\"']?[,=]\s*|\s+|(?<=u))[\"']?(?!\d+:)[^\s:\"'$,/]{1,100}:)(?!//|\$)[^\s\"'\\]+",
    re.MULTILINE,
)
_LOGIN = re.compile(
    r"((?:\b(?:docker|podman|buildah|nerdctl|skopeo|oras|crane|cosign|regctl|helm|az|oc|argocd|vault)\b"
    r"[^\n|;&]{0,60}?\blogin\b[^\n|;&]{0,200}?\s-p[ =]?|\bmysql(?:dump|admin)?\b[^\n|;&]{0,200}?\s-p"
    r"|\bsshpass\s+-p\s*))(?![\s$-])(?:\"[^\"\n$]+\"|'[^'\n]+'|[^\s\"'$]+)"
)
_NETRC = re.compile(r"(?i)(\bmachine\s+\S{1,253}\s+login\s+\S{1,253}\s+password\s+)\S+")
_NAMED = re.compile(
    r"(?i)((?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
    r"[\w-]{0,60}\\?[\"']?\s*(?:=|:\s|:(?=\\?[\"']))\s*)"
    r"(\\\"[^\"\\\n]*\\\"|\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&]+)"
)
_FLAG = re.compile(r"(?i)(--?(?:password|token|secret|passphrase|client-secret|api-key)[ ])(?!-)(\S+)")
BEHIND = (
    _HEADER, _OWN_HEADER, _COOKIE, _SCHEME, _IN_URL, _TOKEN_IN_URL, _AZURE_KEY, _AZURE_SIGNATURE, _DOCKER_AUTH,
    _DOCKER_CONFIG, _USER, _LOGIN, _NETRC,
)  # fmt: skip
"""what stands in front of the secret is the first group, and stays"""
HARMLESS = frozenset({"", "true", "false", "yes", "no", "none", "null", "set", "unset", "***", HIDDEN})


class Redactor:
    """`secrets` are asked for at each use, so that rotated ones are known."""

    def __init__(self, secrets: Secrets = tuple) -> None:
        self._secrets = secrets

    def text(self, text: str) -> str:
        """Colours go too: their codes would stand between a word and its secret, or in the middle of one."""
        return _without_shapes(hidden(_COLOURS.sub("", text), self._secrets()))

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
    for shape in BEHIND:
        text = shape.sub(rf"\1{HIDDEN}", text)
    text = _NAMED.sub(_named, text)
    return _FLAG.sub(rf"\1{HIDDEN}", text)


def _named(found: re.Match[str]) -> str:
    """What stands behind the word "password": unless it is no secret but a switch, or a variable's name."""
    before, value = found.groups()
    if value.startswith("\\"):
        return f'{before}\\"{HIDDEN}\\"'
    bare = value.strip("\"'")
    if bare.lower() in HARMLESS or bare.startswith("$"):
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{before}{quote}{HIDDEN}{quote}"
