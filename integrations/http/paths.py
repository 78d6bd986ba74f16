"""A name from outside is one piece of a path, and never changes where it leads."""

from collections.abc import Iterable
from urllib.parse import unquote

AWAY = frozenset({"", ".", ".."})
"""what clients and servers take out of a path, with or without the piece before it"""
DECODED = 3
"""times that a path is looked at: servers decode once or twice (H1), and proxies before them once more"""


def leads_away(path: str) -> bool:
    """Whether a piece of a path, also one that is encoded, would be taken for a step to elsewhere.

    An address of its own is whole: no name was put into it.
    """
    if path.startswith(("http://", "https://")):
        return False
    names = path.partition("?")[0].removeprefix("/").removesuffix("/")
    return bool(names) and not are_names(names.split("/"))


def are_names(pieces: Iterable[str]) -> bool:
    return all(map(_is_name, pieces))


def _is_name(piece: str) -> bool:
    for _ in range(DECODED):
        if not AWAY.isdisjoint(piece.split("/")):
            return False
        piece = unquote(piece)
    return True
