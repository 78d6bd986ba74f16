"""One branch of a remote, by way of its cache: where it is now, and that a commit is here."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self, TypeVar

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential

from bot.domain.errors import NotFound, Unavailable
from bot.settings import GitSettings
from integrations.git.cache import BranchCache, CacheBroken, Patience
from integrations.git.environment import REMOTE, GitEnvironment
from integrations.git.failures import SYSTEM, last_words
from integrations.git.objects import is_sha
from integrations.git.shared_question import SharedQuestion
from integrations.git.smart_http import SmartHttp

log = structlog.get_logger(__name__)
T = TypeVar("T")
_SYMBOLIC = "ref: refs/heads/"
"""before the branch that HEAD names, in what `ls-remote --symref` prints"""
_ATTEMPTS = 3
_SHORTEST = 0.1
"""seconds that are left to the last try at least"""


class RemoteBranch:
    """Any number of processes may share the cache, and it may be deleted at any time."""

    def __init__(self, settings: GitSettings, cache_dir: Path, patience: Patience | None = None) -> None:
        self._settings = settings
        self._patience = patience or Patience()
        self._cache = BranchCache(settings, cache_dir, self._patience)
        self._branch = f"refs/heads/{settings.branch}"
        self._present: set[str] = set()
        self._fetching = asyncio.Lock()
        self._wire = smart_http(settings, self._cache.environment, self._patience.answer)
        self._where = SharedQuestion(self._ask_for_head)
        self._overtaken = False
        """whether the last push came too late: then every round trip before the next one counts"""

    async def aclose(self) -> None:
        await self._where.aclose()
        await self._cache.aclose()
        if self._wire:
            await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def head(self) -> str:
        """Asks the remote after each call, once for all who wait; fetches only what is new."""
        return await self._with_cache(self._head)

    async def default_branch(self) -> str:
        async def asked() -> bytes:
            return await self._ask("ask for the default branch", "ls-remote", "--symref", REMOTE, "HEAD")

        for line in (await self._with_cache(asked)).decode(errors="replace").splitlines():
            target, _, name = line.partition("\t")
            if name == "HEAD" and target.startswith(_SYMBOLIC):
                return target.removeprefix(_SYMBOLIC)
        return ""

    async def _head(self) -> str:
        return await self._where.answer()

    async def _ask_for_head(self) -> str:
        if self._overtaken:
            return await self._newest()
        begun = asyncio.get_running_loop().time()
        if self._wire and (sha := await self._wire.head()):
            await self._require(sha)
            await self._tidy()
            return sha
        listing = await self._ask("ask for the head", "ls-remote", REMOTE, self._branch, begun=begun)
        for line in listing.decode().splitlines():
            sha, _, ref = line.partition("\t")
            if ref == self._branch:
                await self._require(sha)
                await self._tidy()
                return sha
        detail = f"the remote shows no branch {self._settings.branch}: push a commit to it, or fix PILOTHOUSE_GIT__URL"
        raise NotFound(SYSTEM, "ask for the head", detail)

    async def _newest(self) -> str:
        """The head by way of fetching it: one round trip less than asking for it first, when it is sure to be new."""
        self._overtaken = False  # if this fails, the other way says better why
        async with self._fetching:
            await self._retrying(self._cache.fetch)
        sha = (await self._cache.local("rev-parse", "--verify", self._cache.tracking)).decode().strip()
        self._present.add(sha)
        return sha

    async def _require(self, at: str) -> None:
        """Make sure that the commit is in the cache. Raises NotFound."""
        if at in self._present:
            return
        if not is_sha(at):
            raise NotFound(SYSTEM, "read a commit", f"{at[:80]!r} is not a commit's full sha")
        async with self._fetching:
            if at not in self._present and not await self._holds(at):
                await self._retrying(self._cache.fetch)
                if not await self._holds(at):
                    await self._retrying(lambda: self._cache.fetch_commit(at))
        self._present.add(at)

    async def _tidy(self) -> None:
        """Now and then, which takes a second or two: better while looking than while committing."""
        if self._cache.cluttered:
            self._present.clear()
            await self._retrying(self._cache.fetch)

    async def _holds(self, sha: str) -> bool:
        found = (await self._cache.objects([sha])).get(sha)
        return found is not None and found.kind == "commit"

    async def _ask(self, operation: str, *arguments: str, begun: float | None = None) -> bytes:
        """Within the seconds of one answer, all tries together; counted from `begun` on, where it was asked before."""
        clock = asyncio.get_running_loop().time
        end = (clock() if begun is None else begun) + self._patience.answer
        return await self._retrying(
            lambda: self._cache.remote(operation, *arguments, seconds=max(_SHORTEST, round(end - clock(), 1)))
        )

    async def _retrying(self, work: Callable[[], Awaitable[T]]) -> T:
        """What failed soon is tried again. What has kept people waiting is not: a silent server stays so for long."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            stop=stop_after_attempt(3) | stop_after_delay(self._patience.answer / 2),
            reraise=True,
        )

        # A nested coroutine function: tenacity does not await what a lambda returns.
        async def attempt() -> T:
            return await work()

        return await retrying(attempt)

    async def _deepen(self, commits: int, seen: frozenset[str]) -> None:
        """Unless somebody has done so since the boundary was `seen`."""
        async with self._fetching:
            if self._cache.boundary() == seen:
                await self._retrying(lambda: self._cache.deepen(commits))

    async def _with_cache(self, work: Callable[[], Awaitable[T]]) -> T:
        """`work`, and again on a new cache if the present one turns out to be damaged, or is deleted meanwhile."""
        for left in reversed(range(_ATTEMPTS)):
            cache = await self._cache.create()
            try:
                return await work()
            except CacheBroken as broken:
                self._present.clear()
                detail = last_words(broken.told)
                if not left:
                    raise Unavailable(SYSTEM, "use the cache", f"git fails, on a new cache too: {detail}") from None
                log.warning("git.cache_broken", system=SYSTEM, detail=detail)
                await self._cache.rebuild(cache)
        raise AssertionError("unreachable: the last attempt returns or raises")


def smart_http(settings: GitSettings, environment: GitEnvironment, seconds: float) -> SmartHttp | None:
    """None where the remote is reached otherwise, or where git must say what is wrong with the settings."""
    if not environment.url.startswith(("https://", "http://")):
        return None
    try:
        return SmartHttp(settings, environment, seconds)
    except (ValueError, OSError):
        return None
