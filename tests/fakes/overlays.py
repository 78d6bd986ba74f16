"""An overlay repository in memory: OverlaySource, OverlayWriter and PullRequests."""

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.domain.errors import HeadMoved, NotFound, Refused
from bot.domain.overlay import Author, Change, ChangedPath, Commit
from bot.ports import PullRequest

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SOMEONE = Author("Someone Else", "someone@example.com")


@dataclass
class Branch:
    """The pull request that was opened from a branch, and what its merge will write."""

    pull: PullRequest
    name: str
    author: Author
    fails: str = ""
    """why a merge is refused, "" when it is not"""


@dataclass
class MemoryOverlays:
    """Every commit keeps its whole tree. Tests may move the head (`push`), and set `failing` to break every call."""

    files: dict[str, bytes] = field(default_factory=dict)
    commit_url: str = "https://git.example.com/commit/{sha}"
    default: str = "main"
    """the branch that the remote's HEAD names"""
    failing: Exception | None = None
    odd: set[str] = field(default_factory=set)
    """paths of links, submodules, and files whose mode was changed"""
    us: frozenset[str] = frozenset()
    """shas of commits that others made and that carry our identity"""

    def __post_init__(self) -> None:
        self._log: list[Commit] = []
        self._trees: dict[str, dict[str, bytes]] = {}
        self._ours: set[str] = set()
        self._branches: dict[int, Branch] = {}
        self._numbers = itertools.count(1)
        self._shas = itertools.count()
        self._write(dict(self.files), "First commit", SOMEONE)

    @property
    def log(self) -> tuple[Commit, ...]:
        """Oldest first."""
        return tuple(self._log)

    def push(self, files: Mapping[str, bytes], message: str = "Change by hand", author: Author = SOMEONE) -> Commit:
        """A commit by somebody else."""
        return self._write(dict(files), message, author)

    def reset(self, sha: str) -> None:
        """The branch is force-moved back to an older commit."""
        shas = [commit.sha for commit in self._log]
        del self._log[shas.index(sha) + 1 :]

    async def head(self) -> str:
        self._answer()
        return self._log[-1].sha

    async def default_branch(self) -> str:
        self._answer()
        return self.default

    async def paths(self, at: str) -> Mapping[str, str]:
        return {path: hashlib.sha256(content).hexdigest() for path, content in sorted(self._tree(at).items())}

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        tree = self._tree(at)
        return {path: tree[path] for path in paths if path in tree}

    async def versions(self, path: str, commits: Iterable[str]) -> Mapping[str, bytes]:
        self._answer()
        trees = {sha: self._tree(sha) for sha in commits}
        return {sha: tree[path] for sha, tree in trees.items() if path in tree}

    async def history(self, path: str, limit: int, at: str = "") -> tuple[Commit, ...]:
        self._answer()
        shas = [commit.sha for commit in self._log]
        log = self._log[: shas.index(at) + 1] if at else self._log
        touching = [
            commit
            for before, commit in zip((None, *log), log, strict=False)
            if not path or self._trees[commit.sha].get(path) != (self._trees[before.sha].get(path) if before else None)
        ]
        return tuple(reversed(touching))[:limit]

    async def differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        old, new = self._tree(before), self._tree(after)
        paths = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
        return tuple(ChangedPath(path, path in old and path in new and path not in self.odd) for path in paths)

    async def commit(self, change: Change, expected_head: str) -> Commit:
        self._answer()
        if expected_head != self._log[-1].sha:
            raise HeadMoved("git", "push", f"the branch is not at {expected_head[:12]} any more")
        if not change.files:
            raise Refused("git", "commit", "nothing to write")
        made = self._write(change.files, change.message, change.author)
        self._ours.add(made.sha)
        return made

    async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        self._answer()
        shas = [commit.sha for commit in self._log]
        newer = self._log[shas.index(since) + 1 :] if since in shas else self._log
        ours = self._ours | self.us
        return tuple(c for c in reversed(newer) if c.trailer(trailer) == value and c.sha in ours)

    async def open(self, change: Change, branch: str, expected_head: str, title: str, body: str) -> PullRequest:
        self._answer()
        if existing := await self.opened(branch):
            return existing
        if expected_head not in self._trees:
            raise NotFound("git", "open a pull request", f"no commit {expected_head}")
        number = next(self._numbers)
        url = f"https://git.example.com/pull/{number}"
        head = self._draft(expected_head, change.files)
        pull = PullRequest(number, url, "open", "pending", head=head, fork=expected_head, commits=1)
        self._branches[number] = Branch(pull, branch, change.author)
        return pull

    async def opened(self, branch: str) -> PullRequest | None:
        self._answer()
        found = (each.pull for each in self._branches.values() if each.name == branch and each.pull.state == "open")
        return next(found, None)

    async def get(self, number: int) -> PullRequest:
        return self._branch(number).pull

    async def merge(self, number: int, head: str, message: str, author: Author) -> PullRequest:
        if self._branch(number).pull.state == "open" and self._branch(number).pull.head != head:
            raise HeadMoved("git", "merge", "somebody else pushed to the pull request's branch")
        return await self.merge_by_hand(number, message)

    async def merge_by_hand(self, number: int, message: str = "merged by hand") -> PullRequest:
        """Whatever the branch holds by now."""
        branch = self._branch(number)
        if branch.pull.state == "merged":
            return branch.pull
        if branch.pull.state != "open" or branch.fails:
            raise Refused("git", "merge", branch.fails or "the pull request is closed")
        pull = branch.pull
        fork, head = self._tree(pull.fork), self._tree(pull.head)
        changed = {path: body for path, body in head.items() if fork.get(path) != body}
        commit = self._write(changed, message, branch.author, gone=fork.keys() - head.keys())
        branch.pull = replace(pull, state="merged", merge_commit=commit.sha, merge_parents=commit.parents, fork="")
        return branch.pull

    async def close(self, number: int, comment: str) -> None:
        branch = self._branch(number)
        if branch.pull.state == "open":
            branch.pull = replace(branch.pull, state="closed")

    def set_checks(self, number: int, checks: str) -> None:
        """Whoever runs them does so although nobody can read it now."""
        branch = self._branches[number]
        branch.pull = replace(branch.pull, checks=checks)

    def push_to_branch(
        self, number: int, files: Mapping[str, bytes], *, gone: Iterable[str] = (), force: bool = False
    ) -> None:
        """Somebody adds to the pull request; `force`: in place of the commit that is there."""
        branch = self._branch(number)
        pull = branch.pull
        head = self._draft(pull.head, files, gone)
        branch.pull = replace(pull, head=head, commits=pull.commits + (not force))

    async def squat(self, branch: str, files: Mapping[str, bytes]) -> PullRequest:
        """Somebody else opens a pull request from a branch of this name."""
        return await self.open(Change(dict(files), "Mine", SOMEONE), branch, await self.head(), "Mine", "")

    def refuse_merge(self, number: int, why: str) -> None:
        self._branch(number).fails = why

    def _branch(self, number: int) -> Branch:
        self._answer()
        if number not in self._branches:
            raise NotFound("git", "read a pull request", f"no pull request {number}")
        return self._branches[number]

    def _tree(self, at: str) -> dict[str, bytes]:
        self._answer()
        if at not in self._trees:
            raise NotFound("git", "read a commit", f"no commit {at}")
        return self._trees[at]

    def _answer(self) -> None:
        if self.failing is not None:
            raise self.failing

    def _draft(self, on: str, files: Mapping[str, bytes], gone: Iterable[str] = ()) -> str:
        """A commit of a branch: the tree that it has."""
        sha = hashlib.sha1(f"branch {next(self._shas)}".encode()).hexdigest()
        self._trees[sha] = {path: body for path, body in {**self._tree(on), **files}.items() if path not in set(gone)}
        return sha

    def _write(self, files: Mapping[str, bytes], message: str, author: Author, *, gone: Iterable[str] = ()) -> Commit:
        number = next(self._shas)
        sha = hashlib.sha1(f"{number} {message}".encode()).hexdigest()
        before = self._trees[self._log[-1].sha] if self._log else {}
        commit = Commit(
            sha,
            author,
            message.strip("\n"),
            START + timedelta(minutes=number),
            self.commit_url.replace("{sha}", sha),
            (self._log[-1].sha,) if self._log else (),
        )
        left_out = set(gone)
        self._trees[sha] = {path: body for path, body in {**before, **files}.items() if path not in left_out}
        self._log.append(commit)
        return commit
