"""The commits of a branch, fetched as far back as they are asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.domain.overlay import Author, Commit
from bot.settings import GitSettings
from integrations.git.branch import RemoteBranch
from integrations.git.cache import Patience
from integrations.git.objects import LOG_FORMAT, logged, simple_commit
from integrations.kept import KeptAnswers

_DEEPER = (1_000, 10_000, 100_000)
"""commits fetched at each step further back into history"""
_HISTORIES = 32
"""kept in memory, of up to a few hundred commits each"""
_SHORT = 32
"""commits that are looked at one by one"""


class BranchLog(RemoteBranch):
    """Each step further back is fetched once, and what a commit has behind it is read once."""

    def __init__(self, settings: GitSettings, cache_dir: Path, patience: Patience | None = None) -> None:
        super().__init__(settings, cache_dir, patience)
        self._histories = KeptAnswers[tuple[Commit, ...]](_HISTORIES)

    async def history(self, path: str, limit: int, at: str = "") -> tuple[Commit, ...]:
        """Looks at most about 100,000 commits back; each step further back is fetched once."""
        return await self._with_cache(lambda: self._history(path, limit, at))

    async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        """`since` "" looks through all of history, as `history` does."""
        return await self._with_cache(lambda: self._find(trailer, value, since))

    async def _history(self, path: str, limit: int, at: str) -> tuple[Commit, ...]:
        head = at or await self._head()
        return await self._histories.get(f"{head} {limit} {path}", lambda: self._walk(path, limit, head))

    async def _walk(self, path: str, limit: int, head: str) -> tuple[Commit, ...]:
        await self._require(head)
        scope = ("--", path) if path else ()
        found: tuple[Commit, ...] = ()
        boundary: frozenset[str] = frozenset()
        for deeper in (0, *_DEEPER):
            if deeper:
                await self._deepen(deeper, boundary)
            boundary = self._cache.boundary()
            # One more for each boundary commit: those are left out, for they only look as if they touched the path.
            found = tuple(
                commit
                for commit in await self._log(f"--max-count={limit + len(boundary)}", head, *scope)
                if commit.sha not in boundary or not path
            )[:limit]
            if len(found) == limit or not boundary:
                break
        self._present |= {commit.sha for commit in found}
        return found

    async def _find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        head = await self._head()
        if since == head:
            return ()
        words = f"{trailer}: {value}"
        if (newer := await self._short(since, head)) is None:
            newer = await self._newer(since, head, words)
        ours = Author(self._settings.committer_name, self._settings.committer_email)
        return tuple(
            commit
            for commit, committer in newer
            if committer == ours and words.lower() in commit.message.lower() and commit.trailer(trailer) == value
        )

    async def _short(self, since: str, head: str) -> tuple[tuple[Commit, Author], ...] | None:
        """The commits after `since`, the newest first, where they are few, are here, and stand in one line.

        Else None: that is git's own work, which takes a process.
        """
        found: list[tuple[Commit, Author]] = []
        sha = head
        while sha != since:
            there = (await self._cache.objects([sha])).get(sha) if since and len(found) < _SHORT else None
            one = simple_commit(sha, there.body, self._settings.commit_url) if there else None
            if not one:
                return None
            found.append(one)
            (sha,) = one[0].parents
        return tuple(found)

    async def _newer(self, since: str, head: str, words: str) -> tuple[tuple[Commit, Author], ...]:
        """Those after `since` ("" for all) whose message has these words."""
        if since:
            await self._reach(since, head)
        elif self._cache.boundary():
            await self._deepen_while(lambda: asyncio.sleep(0, bool(self._cache.boundary())))
        grep = ("--fixed-strings", f"--grep={words}", "--regexp-ignore-case")
        return await self._logged(*grep, *((head, f"^{since}") if since else (head,)))

    async def _reach(self, since: str, head: str) -> None:
        """Fetch history back to `since`, which a new cache does not hold; all of it if the branch has left it."""
        await self._require(since)

        async def apart() -> bool:
            if not self._cache.boundary():
                return False
            return not await self._log("--max-count=1", "--ancestry-path", head, f"^{since}")

        await self._deepen_while(apart)

    async def _deepen_while(self, lacking: Callable[[], Awaitable[bool]]) -> None:
        for deeper in _DEEPER:
            seen = self._cache.boundary()
            if not await lacking():
                return
            await self._deepen(deeper, seen)

    async def _log(self, *arguments: str) -> tuple[Commit, ...]:
        return tuple(commit for commit, _ in await self._logged(*arguments))

    async def _logged(self, *arguments: str) -> tuple[tuple[Commit, Author], ...]:
        output = await self._cache.local("log", "-z", LOG_FORMAT, "--no-show-signature", *arguments)
        return tuple(logged(output, self._settings.commit_url))
