"""Names that people mistype."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, names: Iterable[str], limit: int = 3) -> str:
    """ " Did you mean `a` or `b`?" for the names nearest to `word`; "" when none is near."""
    by_folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), by_folded, limit, cutoff=0.6)
    if not near:
        return ""
    quoted = [f"`{by_folded[name]}`" for name in near]
    return f" Did you mean {either(quoted)}?"


def either(words: list[str]) -> str:
    """ "a", "a or b", "a, b or c"."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
