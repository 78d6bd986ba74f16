"""Flags, and the free text behind them: each function returns what it found and the tokens that are left."""

from collections.abc import Callable, Sequence

from bot.grammar.tokens import Token

Left = tuple[Token, ...]


def take_flag(tokens: Sequence[Token], name: str) -> tuple[bool, Left]:
    """Whether `--name` was given."""
    left = tuple(token for token in tokens if not token.says(f"--{name}"))
    return len(left) < len(tokens), left


def take_text(tokens: Sequence[Token], name: str) -> tuple[str, Left]:
    """What follows `--name`: a quoted text, or every word up to the next flag."""
    return _take_text(tokens, lambda token: _opens(token, name))


def take_break_glass(tokens: Sequence[Token]) -> tuple[bool, str, Left]:
    """Whether `!` (alone, or at the end of a word) or `--break-glass` was given, and the text behind it."""
    shouted = any(_breaks_glass(token) or _ends_in_bang(token) for token in tokens)
    text, left = _take_text(tokens, _breaks_glass)
    return shouted, text, tuple(Token(token.text[:-1]) if _ends_in_bang(token) else token for token in left)


def _take_text(tokens: Sequence[Token], opens: Callable[[Token], bool]) -> tuple[str, Left]:
    at = next((index for index, token in enumerate(tokens) if opens(token)), None)
    if at is None:
        return "", tuple(tokens)
    first = tokens[at].text if tokens[at].key else tokens[at].text.partition("=")[2]
    end = at + 1
    if not tokens[at].key:
        end += _length_of_text(tokens[end:], started=bool(first))
    words = [first, *(token.whole for token in tokens[at + 1 : end])]
    return " ".join(word for word in words if word), (*tokens[:at], *tokens[end:])


def _length_of_text(tokens: Sequence[Token], *, started: bool) -> int:
    """How many tokens belong to a free text; a quoted one at its start is all of it."""
    if tokens and tokens[0].quoted and not tokens[0].key and not started:
        return 1
    return next((index for index, token in enumerate(tokens) if token.is_flag or token.says("!")), len(tokens))


def _opens(token: Token, name: str) -> bool:
    if token.quoted:
        return token.key == f"--{name}="
    return token.says(f"--{name}") or token.text.startswith(f"--{name}=")


def _breaks_glass(token: Token) -> bool:
    return token.says("!") or _opens(token, "break-glass")


def _ends_in_bang(token: Token) -> bool:
    return not token.quoted and len(token.text) > 1 and token.text.endswith("!")
