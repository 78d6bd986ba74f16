"""Lists as people write them in a sentence."""

from collections.abc import Sequence


def listed(words: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"; "" for none."""
    *first, end = words or ("",)
    return f"{', '.join(first)} {last} {end}" if first else end


def capital(name: str) -> str:
    """At the beginning of a sentence."""
    return name[:1].upper() + name[1:]


def quoted(word: str, limit: int = 80) -> str:
    """A word that somebody typed, in code style: what can be copied, and what it was."""
    shown = word[:limit].replace("`", "'")
    return f"`{shown}{'…' if len(word) > limit else ''}`"


def shortened(words: Sequence[str], most: int, last: str = "and") -> str:
    """As `listed`; of more than `most` words the first ones, and how many more there are."""
    more = len(words) - most
    return listed([*words[:most], f"{more:,} more"] if more > 0 else words, last)
