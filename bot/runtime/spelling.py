"""Names that people mistype. Fast enough for ten thousand apps on the event loop (some milliseconds).

The library takes 3 MiB: it is imported when somebody has mistyped something, once 13 ms.
"""

from collections.abc import Iterable

from bot.domain.sentence import listed

NEAR = 60
"""percent of likeness from which a name is worth offering"""
SHOWN = 10
SHORTEST = 3
"""letters from which a beginning says what is meant"""
LONGEST = 100
"""characters of a word that are compared: nobody mistypes a longer one"""


def did_you_mean(word: str, names: Iterable[str], limit: int = 3) -> str:
    """ " Did you mean `a` or `b`?" for the names nearest to `word`; "" when none is near."""
    from rapidfuzz import fuzz, process

    near = process.extract(
        word[:LONGEST],
        list(dict.fromkeys(names)),
        scorer=fuzz.ratio,
        processor=str.casefold,
        limit=limit,
        score_cutoff=NEAR,
    )
    return f" Did you mean {listed([f'`{name}`' for name, _, _ in near], 'or')}?" if near else ""


def misspelt(word: str, names: Iterable[str]) -> str:
    """ " Did you mean `a`?" only where a slip of the finger explains the difference; for what must not be guessed.

    One letter wrong, missing, doubled or swapped in three; the same first letter; or, but for flags, its beginning.
    """
    from rapidfuzz.distance import OSA

    typed = word[:LONGEST].casefold()
    found = [name for name in dict.fromkeys(names) if _slipped(typed, name.casefold())]
    return f" Did you mean `{min(found, key=lambda name: OSA.distance(typed, name.casefold()))}`?" if found else ""


def _slipped(typed: str, name: str) -> bool:
    if typed[:1] != name[:1] or len(typed) < SHORTEST:
        return False
    from rapidfuzz.distance import OSA

    begun = name.startswith(typed) and not name.startswith("-")
    return begun or OSA.distance(typed, name) <= min(2, len(name.strip("-")) // 3)


def nearest(word: str, names: Iterable[str], kind: str = "Known") -> str:
    """The names that `word` may stand for, or some of what there is: " Apps: a, b and 3 more."; "" for nothing."""
    known = list(dict.fromkeys(names))
    if near := did_you_mean(word, known):
        return near
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f" {kind}: {', '.join(sorted(known)[:SHOWN])}{more}." if known else ""
