"""What counts as a reason: something that a person can read."""

import unicodedata

_LOOKS_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by their category, blank on the screen: Hangul fillers, the empty Braille cell."""


def says_something(text: str) -> bool:
    """Whether there is a letter, a digit or a symbol in it: blanks, invisible characters and dots are no reason."""
    return any(unicodedata.category(c)[0] in "LNS" and c not in _LOOKS_BLANK for c in text)
