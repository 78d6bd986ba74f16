"""Flags, and the free text that ends a command: each function returns what it found and the tokens that are left.

A free text begins behind `--reason`, `--break-glass` or `!`, each a word of its own. A quoted one ends with its quote,
any other with the line: no control is ever found inside it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.grammar.tokens import Token

Left = tuple[Token, ...]
SWITCHES = frozenset(("true", "false", "yes", "no", "on", "off", "1", "0", "y", "n", "none", "never", "null"))
"""What turns a flag on or off, and is no reason."""


@dataclass(frozen=True)
class FreeText:
    """`breaks_glass`: it was opened by `!` or `--break-glass`. `inside`: the words of an unquoted text.

    `switch`: what stands in the place of the reason only turns something on or off, like `--break-glass=false`.
    """

    text: str = ""
    given: bool = False
    breaks_glass: bool = False
    inside: Left = ()
    switch: str = ""


def flags_of(usage: str) -> list[str]:
    """Every flag that a usage names."""
    return re.findall(r"--[a-z-]+", usage)


def take_flag(tokens: Sequence[Token], name: str) -> tuple[bool, Left]:
    """Whether `--name` was given; `--name=true` and `--name=yes` give it too."""
    said = (f"--{name}", f"--{name}=true", f"--{name}=yes")
    left = tuple(token for token in tokens if not token.says(*said))
    return len(left) < len(tokens), left


def take_reason(tokens: Sequence[Token]) -> tuple[FreeText, Left]:
    """What follows the first of `--reason`, `--break-glass` and `!`; a `!` with nothing between may stand before."""
    at = next((index for index, token in enumerate(tokens) if _reason(token) or breaks_glass(token)), None)
    if at is None:
        return FreeText(), tuple(tokens)
    glass, opener = breaks_glass(tokens[at]), at
    if glass and not tokens[at].key and at + 1 < len(tokens) and _reason(tokens[at + 1]):
        opener = at + 1
    text, end = _text(tokens, opener)
    inside = tuple(tokens[opener + 1 : end]) if not (tokens[opener].key or _quoted(tokens, opener)) else ()
    value = "" if tokens[at].key else tokens[at].text.partition("=")[2]
    switch = next((word for word in (text.strip(), value) if word.casefold() in SWITCHES), "")
    return FreeText(text, given=True, breaks_glass=glass, inside=inside, switch=switch), (*tokens[:at], *tokens[end:])


def breaks_glass(token: Token) -> bool:
    return token.says("!") or opens(token, "break-glass")


def opens(token: Token, name: str) -> bool:
    """Whether it is `--name`, or `--name=` with the beginning of its value."""
    if token.quoted:
        return token.key.lower() == f"--{name}="
    return token.says(f"--{name}") or token.text.lower().startswith(f"--{name}=")


def _reason(token: Token) -> bool:
    return opens(token, "reason")


def _text(tokens: Sequence[Token], opener: int) -> tuple[str, int]:
    """The text, and the index of the first token behind it."""
    token = tokens[opener]
    if token.key:
        return token.text, opener + 1
    if _quoted(tokens, opener):
        return tokens[opener + 1].text, opener + 2
    if "=" in token.text:
        return token.behind.partition("=")[2].strip(), len(tokens)
    return rest_of(tokens[opener + 1 :]), len(tokens)


def _quoted(tokens: Sequence[Token], opener: int) -> bool:
    """A text that is quoted as a whole."""
    if "=" in tokens[opener].text or opener + 1 >= len(tokens):
        return False
    return tokens[opener + 1].quoted and not tokens[opener + 1].key


def rest_of(tokens: Sequence[Token]) -> str:
    """The text from the first of the tokens on, as it was typed; quotes around all of it are taken off."""
    if not tokens:
        return ""
    if len(tokens) == 1 and tokens[0].quoted and not tokens[0].key:
        return tokens[0].text
    return tokens[0].behind.strip() or " ".join(token.whole for token in tokens)
