"""Several replicas on one database: when one is gone, another takes its promotions over."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn, Protocol

import structlog

from bot.domain.errors import DatabaseAway
from bot.store.replicas import ReplicaStore

log = structlog.get_logger(__name__)

BEAT = timedelta(seconds=4)
SILENCE = timedelta(seconds=15)
"""A replica that is not heard of for so long is gone: three beats were missed, and some seconds more."""


class Successor(Protocol):
    """The engine, as far as it carries on what another process began."""

    async def take_over(self, replica: str) -> int:
        """Take up the unfinished stories of a replica that is gone; how many. Asking twice is harmless."""
        ...

    async def executors(self) -> frozenset[str]:
        """The replicas that unfinished stories are noted for, whether there still are such replicas or not."""
        ...


@dataclass(frozen=True)
class Replicas:
    """Watches over the others. Any number of replicas may do so: each story is taken up by one of them.

    A replica that was only slow finds its stories with another one: its next step is not recorded, and what the step
    had done is found by the other's, as after a crash.
    """

    store: ReplicaStore
    engine: Successor
    name: str
    beat: timedelta = BEAT
    silence: timedelta = SILENCE
    _unknown: dict[str, int] = field(default_factory=dict)
    """replicas that have stories and no beat → looks in a row that found them so"""

    async def watch(self) -> NoReturn:
        """Until it is cancelled. A database that is away is asked again: without it nobody can take over either."""
        while True:
            try:
                await self.look()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception:
                log.exception("replicas.round_failed")
            await asyncio.sleep(self.beat.total_seconds())

    async def look(self) -> int:
        """Beat once, and take over from whoever does not; how many stories."""
        await self.store.beat(self.name)
        taken = 0
        for gone in await self.store.silent(self.silence):
            taken += await self._succeed(gone)
            # Forgotten only now: if this process dies in between, the next look of another one takes over again.
            await self.store.forget(gone, self.silence)
        return taken + await self._look_for_unknown()

    async def _look_for_unknown(self) -> int:
        """Stories of replicas that never beat, or were forgotten while a story of theirs was still to be noted down.

        One that has just started has stories before its first beat, so it takes as many looks as a silence does.
        """
        unknown = await self.engine.executors() - set(await self.store.names()) - {self.name}
        looks = {gone: self._unknown.get(gone, 0) + 1 for gone in unknown}
        self._unknown.clear()
        self._unknown.update(looks)
        enough = max(2, round(self.silence / self.beat))
        return sum([await self._succeed(gone) for gone, seen in looks.items() if seen >= enough])

    async def _succeed(self, gone: str) -> int:
        stories = await self.engine.take_over(gone)
        log.warning("replicas.taken_over", gone=gone, stories=stories)
        return stories
