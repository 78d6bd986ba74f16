"""The source commits that a deployment brings, and what they say that they undo or fix. Pure.

A commit's message is what its maker typed. Its ids count only where they are ids of commits that were deployed there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.overlay import Author

MOST_IDS = 20
"""that one commit names: who names more says nothing that could be believed of each"""
LONGEST = 65_536
"""characters of a message that are looked through"""
_ID = r"([0-9a-f]{7,64})(?![0-9a-z])"
_REVERTS = re.compile(rf"^This reverts commit {_ID}", re.MULTILINE | re.IGNORECASE)
"""the line that `git revert` writes, whole or with --reference"""
_FIXES = re.compile(rf"^Fixes:[ \t]+{_ID}[ \t]*(?:\(.*)?$", re.MULTILINE | re.IGNORECASE)
"""the kernel's convention: `Fixes: 54a4f0239f2e ("Subject")`"""


@dataclass(frozen=True)
class Undoing:
    """Ids, perhaps shortened, of the commits that `commit` says that it reverts or fixes."""

    commit: str
    reverts: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reverts or self.fixes)


def undoing(commit: str, message: str) -> Undoing:
    """What the message says, by git's own conventions."""
    text = message[:LONGEST].replace("\r\n", "\n")
    return Undoing(commit, _ids(_REVERTS.findall(text)), _ids(_FIXES.findall(text)))


def _ids(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id.lower() for id in found))[:MOST_IDS]


@dataclass(frozen=True)
class BroughtCommit:
    """A source commit, as people read it."""

    subject: str
    author: Author


@dataclass(frozen=True)
class SourceRange:
    """The commits of one source repository from `before` (exclusive) to `after`, newest first.

    `images`: names of the entries in the overlay that they came with. `ids` has fewer than `total` where the source
    host lists no more.
    """

    images: tuple[str, ...]
    source: str
    """URL of the repository"""
    before: str
    after: str
    total: int = 0
    ids: tuple[str, ...] = ()
    newest: tuple[BroughtCommit, ...] = ()
    """the first few of them"""
    undoing: tuple[Undoing, ...] = ()
    """of those that undo or fix anything"""

    @property
    def complete(self) -> bool:
        return len(self.ids) >= self.total


@dataclass(frozen=True)
class CommitsFound:
    """The source commits of a deployment: by image, those of two images of one range once.

    `of`: key of the fact that the deployment began with. `unknown`: names of the entries whose commits cannot be had.
    """

    of: str
    ranges: tuple[SourceRange, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether each commit is listed."""
        return not self.unknown and all(one.complete for one in self.ranges)

    @property
    def total(self) -> int:
        """How many commits, each counted once."""
        listed = {id for one in self.ranges for id in one.ids}
        return len(listed) + sum(max(0, one.total - len(one.ids)) for one in self.ranges)

    def of_image(self, name: str) -> SourceRange | None:
        return next((one for one in self.ranges if name in one.images), None)


def commits_key(fact: str) -> str:
    """Of the fact that has the commits of the deployment that this one began."""
    return f"{COMMITS}{fact}"


COMMITS = "commits:"


@dataclass(frozen=True)
class ToldCommits:
    """Source commits that a piece of news tells; `images` is () where they came with all that it is about.

    `authors` of the subjects: by Slack id where Slack knows them, else by name.
    """

    count: int
    subjects: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
