"""Follow a commit until every Application runs it and is Healthy, or say why not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.application import ApplicationRef
from bot.domain.errors import IntegrationError, Unavailable
from bot.domain.overlay import Commit
from bot.domain.promotion import Following, Move, Progress
from bot.ports import Applications, OverlaySource, SyncWindows
from bot.promotions.pursuit import Pursuit
from bot.runtime.clock import SYSTEM_CLOCK

Told = Callable[[tuple[Following, ...]], Awaitable[None]]


@dataclass(frozen=True)
class Followed:
    """How it ended; `timed_out` when the deadline came first."""

    following: tuple[Following, ...]
    timed_out: bool = False

    @property
    def healthy(self) -> bool:
        return all(f.progress is Progress.HEALTHY for f in self.following)


@dataclass(frozen=True)
class Follower:
    """Repeatable: it only reads, and asks Argo CD to look (and to sync where nobody else does).

    `interval`: seconds between two looks. `windows` tells why a sync waits, where Argo CD can be asked for that.
    """

    applications: Applications
    source: OverlaySource
    interval: float
    windows: SyncWindows | None = None
    clock: Callable[[], datetime] = field(default=SYSTEM_CLOCK.now, kw_only=True)
    sleep: Callable[[float], Awaitable[object]] = field(default=asyncio.sleep, kw_only=True)

    async def follow(self, moves: tuple[Move, ...], commit: Commit, deadline: datetime, told: Told) -> Followed:
        """Tells every change of what it sees. Does not raise for an Argo CD that is away: that is told, too."""
        refs = tuple(dict.fromkeys(move.application for move in moves))
        pursuits = [self._pursuit(ref, moves, commit) for ref in refs]
        try:
            await asyncio.gather(*(pursuit.hurry() for pursuit in pursuits))
            return await self._until(pursuits, deadline, told)
        finally:
            await asyncio.gather(*(pursuit.stop() for pursuit in pursuits))

    def _pursuit(self, ref: ApplicationRef, moves: tuple[Move, ...], commit: Commit) -> Pursuit:
        mine = tuple(move for move in moves if move.application == ref)
        return Pursuit(self.applications, self.source, ref, mine, commit, clock=self.clock, windows=self.windows)

    async def _until(self, pursuits: list[Pursuit], deadline: datetime, told: Told) -> Followed:
        last: tuple[Following, ...] = ()
        while True:
            now = tuple(await asyncio.gather(*(look(pursuit) for pursuit in pursuits)))
            if now != last:
                await told(now)
                last = now
            if all(f.progress.final for f in now):
                return Followed(now)
            if self.clock() >= deadline:
                late = [pursuit.explain(f) for pursuit, f in zip(pursuits, now, strict=True)]
                return Followed(tuple(await asyncio.gather(*late)), timed_out=True)
            await self.sleep(self.interval)


async def look(pursuit: Pursuit) -> Following:
    """What Argo CD does not answer is told; it is asked again."""
    try:
        return await pursuit.look()
    except Unavailable as error:
        why = f"{error.system} does not answer: asking again."
    except IntegrationError as error:
        why = f"{error.system} refuses to {error.operation}: {error.detail}"
    return replace(pursuit.last, progress=Progress.WAITING, sync="", health="", explanation=why)
