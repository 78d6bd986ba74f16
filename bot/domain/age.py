"""Whether an image is older than the one whose place it takes: by what several sources say, never by one field."""

import re
from collections.abc import Collection
from enum import StrEnum

_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:[-+].*)?", re.IGNORECASE)


class Older(StrEnum):
    """A sign that it is older; the value goes behind the image's name."""

    PUSHED = "was pushed before it"
    VERSION = "has a lower version"
    SOURCE = "is built from older source"
    RAN = "ran here before it"


def older_by(signs: Collection[Older], *, version: int, source: int) -> tuple[Older, ...]:
    """The signs, where two at least say it and neither the versions nor the source say otherwise; else ().

    A push alone proves nothing: images are pushed again, copied and rebuilt. `version`, `source`: below 0 for older,
    above 0 for newer, 0 where it is not known.
    """
    if version > 0 or source > 0:
        return ()
    found = {*signs, *([Older.VERSION] if version < 0 else []), *([Older.SOURCE] if source < 0 else [])}
    return tuple(sign for sign in Older if sign in found) if len(found) > 1 else ()


def compared(label: str, before: str) -> int:
    """How two versions compare as numbers: -1, 1, or 0 where one is none, or only a suffix tells them apart."""
    mine, other = _numbers(label), _numbers(before)
    if mine is None or other is None or mine == other:
        return 0
    return -1 if mine < other else 1


def _numbers(label: str) -> tuple[int, ...] | None:
    found = _VERSION.fullmatch(label)
    return tuple(int(part or 0) for part in found.groups()) if found else None
