"""Which process runs which tests, and in what order: a file stays in one, and what takes longest begins first."""

import re
from functools import cache

from xdist.scheduler import LoadScopeScheduling

LONG = (
    "tests/restart/test_crashes.py",
    "tests/scenario",
    "tests/unit/bot/workflow/test_invariants.py",
    "tests/restart",
    "tests/packages",
    "tests/browser",
    "tests/views/test_every_message.py",
    "tests/unit/bot/doctor",
    "tests/contract/test_github.py",
    "tests/attacks",
    "tests/unit/integrations/git",
    "tests/contract",
)
"""Files and directories, those that take longest first, as they were measured; the rest follows as it was found."""
SPREAD = ("tests/unit/bot/workflow/test_invariants.py", "tests/restart/test_crashes.py")
"""Files whose tests need not stay together, but for those whose last parameter is the same."""


def scope(nodeid: str) -> str:
    """Tests of one scope run in one process, one after another."""
    file, _, test = nodeid.partition("::")
    return f"{file}::{re.split(r'[-[]', test)[-1]}" if file in SPREAD else file


@cache
def rank(file: str) -> int:
    """Where a file stands in LONG, by its longest entry."""
    return next((place for place, name in enumerate(LONG) if file == name or file.startswith(f"{name}/")), len(LONG))


def rotated(files: list[str], place: float) -> list[str]:
    """The same files, begun at that place: 0 = with the first, 0.5 = in the middle."""
    first = round(place * len(files))
    return files[first:] + files[:first]


class LongestFirst(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)
