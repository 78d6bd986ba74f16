"""The overlay repository, its pull requests, and the repositories that images are built from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.overlay import Author, Change, ChangedPath, Commit

MOST_DIFFERENCES = 300
"""between two commits; more than a promotion ever changes"""


class OverlaySource(Protocol):
    """The overlay repository, read at a commit. Paths are relative, with forward slashes."""

    async def head(self) -> str:
        """The sha that the branch points to now."""

    async def default_branch(self) -> str:
        """The branch that the remote's HEAD names now; "" where it names none."""

    async def paths(self, at: str) -> Mapping[str, str]:
        """Every file path at a commit, and the id of what it holds: what has the same id is the same."""

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        """Contents by path; a path that is absent at that commit is absent from the answer."""

    async def history(self, path: str, limit: int, at: str = "") -> tuple[Commit, ...]:
        """The commits that touched `path` ("" for all), newest first: back from `at`, or from the head of now."""

    async def versions(self, path: str, commits: Iterable[str]) -> Mapping[str, bytes]:
        """One file at many commits, asked at once: contents by commit, without those that do not have it.

        The commits are some that `history` has given.
        """

    async def differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        """Every path of the whole repository that is not the same at two commits.

        Raises Refused where the two differ in more than `MOST_DIFFERENCES` paths. NotFound for an unknown commit.
        """


class OverlayWriter(Protocol):
    """The only way in which Pilothouse changes the world's desired state."""

    async def commit(self, change: Change, expected_head: str) -> Commit:
        """One commit on the branch, all files or none. Raises HeadMoved when the branch is not at `expected_head`."""

    async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        """The commits that carry `trailer: value` and our identity, newest first, back to the commit `since`.

        Anybody who may push can write both: what a commit changes says whether it is ours.
        """


@dataclass(frozen=True)
class PullRequest:
    """`state` is open, merged or closed. `checks` is pending, success or failure.

    `held_up`: why nobody merges it, for people. `head` is the commit that would be merged, or was; `fork` is where it
    leaves the branch that it goes into, while it is open. `commits` counts its own, without those that only merge.
    """

    number: int
    url: str
    state: str
    checks: str = "pending"
    merge_commit: str = ""
    held_up: str = ""
    head: str = ""
    fork: str = ""
    commits: int = 0
    merge_parents: tuple[str, ...] = ()


class PullRequests(Protocol):
    """For environments that are changed by pull request."""

    async def open(self, change: Change, branch: str, expected_head: str, title: str, body: str) -> PullRequest:
        """Open one, or find the one that is open for `branch` already: whether that holds `change` is for the caller.

        Raises Refused where a branch of that name holds something else.
        """

    async def opened(self, branch: str) -> PullRequest | None:
        """The one that is open for `branch`."""

    async def get(self, number: int) -> PullRequest: ...

    async def merge(self, number: int, head: str, message: str, author: Author) -> PullRequest:
        """Merge exactly `head`. Raises HeadMoved when that is not its head; Refused when it cannot be merged."""

    async def close(self, number: int, comment: str) -> None: ...


@dataclass(frozen=True)
class Comparison:
    """What lies between two source revisions. `total` may exceed the number of `commits` listed."""

    total: int
    commits: tuple[Commit, ...]
    url: str = ""
    behind: int = 0
    """how many commits only the other one has"""


class SourceHistory(Protocol):
    """The repositories that images are built from."""

    async def compare(self, source: str, before: str, after: str) -> Comparison:
        """The commits from `before` (exclusive) to `after`, newest first. `source` is the repository's URL."""
