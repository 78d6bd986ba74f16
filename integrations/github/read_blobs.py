"""Files that are read by their paths, held against the blobs that checked folders name there.

A file and the folders above it are asked for side by side, so either may be known first.
"""

from bot.domain.errors import Refused
from integrations.github.failures import SYSTEM
from integrations.kept import Kept

REMEMBERED = 1000


class ReadBlobs:
    """By commit and path, which together name one content for ever. Raises Refused where the two sides differ."""

    def __init__(self) -> None:
        self._named: Kept[str] = Kept(REMEMBERED)
        self._read: Kept[str] = Kept(REMEMBERED)

    def named(self, at: str, path: str, sha: str) -> None:
        """A checked folder names this blob: a plain file, for GitHub may show what a link leads to (G8)."""
        self._hold(self._named, self._read, at, path, sha)

    def read(self, at: str, path: str, sha: str) -> None:
        """That is what was read."""
        self._hold(self._read, self._named, at, path, sha)

    def _hold(self, mine: Kept[str], other: Kept[str], at: str, path: str, sha: str) -> None:
        key = f"{at}:{path}"
        if other.get(key) in (None, sha):
            mine.keep(key, sha)
            return
        for side in (mine, other):  # both are asked for again
            side.forget(key)
        raise Refused(SYSTEM, f"read {path}", f"what GitHub shows is not what its folder names at {at[:12]}")
