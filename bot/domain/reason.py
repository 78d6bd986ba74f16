"""What counts as a reason: something that a person can read."""

import unicodedata

from bot.domain.errors import InvalidCommand

_LOOKS_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by their category, blank on the screen: Hangul fillers, the empty Braille cell."""


def says_something(text: str) -> bool:
    """Whether there is a letter, a digit or a symbol in it: blanks, invisible characters and dots are no reason."""
    return any(unicodedata.category(c)[0] in "LNS" and c not in _LOOKS_BLANK for c in text)


def need_reason(text: str, what: str) -> None:
    """Raises InvalidCommand when nobody could read it; `what` needs it ("A lock"). Asked where the effect is made."""
    if not says_something(text):
        raise InvalidCommand(f"{what} needs a reason, in words that people can read.")
