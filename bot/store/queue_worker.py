"""Works a leased queue off, for ever: a row is tried again after what passes, and given up after what does not.

Nothing that breaks ends it: neither a row that always fails, nor a database that is away.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.exc import DataError, SQLAlchemyError

from bot.domain.errors import DatabaseAway, IntegrationError, Refused, Unavailable
from bot.runtime.patience import wait_after
from bot.store.leased_queue import DEAD, DONE

log = structlog.get_logger(__name__)

KEPT = 14 * 86_400.0
"""seconds for which it is known that something was done"""
TIDY = 3600.0


@dataclass(frozen=True)
class QueueBounds:
    """After so many `tries` a row is given up; `lease`: seconds for which it belongs to the replica that tries it."""

    tries: int
    lease: float


class QueueRow(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def tries(self) -> int:
        """begun before it was read"""
        ...


R = TypeVar("R", bound=QueueRow)
R_contra = TypeVar("R_contra", bound=QueueRow, contravariant=True)


class Leased(Protocol[R_contra]):
    """Times are seconds since the epoch."""

    async def release_all(self) -> None: ...
    async def lease(self, row: R_contra, now: float, seconds: float, /) -> bool: ...
    async def settle(self, id: int, state: str, error: str = "") -> None: ...
    async def again(self, id: int, due_at: float, error: str) -> None: ...
    async def forget(self, before: float) -> int: ...


class Rounds:
    """Looks again and again: when `changed` is set or `poll` seconds are over.

    `name` is for the log.
    """

    def __init__(self, name: str, poll: float, changed: asyncio.Event | None = None) -> None:
        self.name = name
        self.changed = changed or asyncio.Event()
        self._poll = poll

    async def forever(self, look: Callable[[], Awaitable[object]]) -> None:
        """Until it is cancelled."""
        while True:
            self.changed.clear()
            await self.patiently(look)
            await self._something_new()

    async def patiently(self, work: Callable[[], Awaitable[object]]) -> None:
        """The log has what breaks."""
        try:
            await work()
        except DatabaseAway:
            pass  # told where it was noticed
        except Exception:
            log.exception("queue.round_broke", queue=self.name)

    async def _something_new(self) -> None:
        try:
            async with asyncio.timeout(self._poll):
                await self.changed.wait()
        except TimeoutError:
            return


class QueueWorker(Generic[R]):
    """`clock` counts seconds since the epoch; `done` is the state of what was worked off."""

    def __init__(
        self,
        rounds: Rounds,
        queue: Leased[R],
        bounds: QueueBounds,
        clock: Callable[[], float] = time.time,
        done: str = DONE,
    ) -> None:
        self._rounds = rounds
        self._queue = queue
        self._bounds = bounds
        self._clock = clock
        self._done = done
        self._tidied = 0.0

    async def forever(self, look: Callable[[], Awaitable[object]]) -> None:
        """Until it is cancelled. What was not done is done by the next process."""
        await self._rounds.patiently(self._queue.release_all)

        async def tidy_and_look() -> None:
            await self._rounds.patiently(self._tidy)
            await look()

        await self._rounds.forever(tidy_and_look)

    async def lease(self, row: R) -> bool:
        """Whether it is ours to work on; no other process does so meanwhile."""
        return await self._queue.lease(row, self._clock(), self._bounds.lease)

    async def work(self, row: R, do: Callable[[], Awaitable[object]], **about: str) -> str:
        """Why a row that is ours is given up; "" where it is done, or tried again. `about` is for the log."""
        try:
            await do()
        except IntegrationError as error:
            return await self._failed(row, error, about)
        except DataError:  # no column takes it, now or later
            log.exception("queue.broke", queue=self._rounds.name, **about)
            return await self._give_up(row, "the database takes no such value", about)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return await self._failed(row, Unavailable("Pilothouse", "work on it", type(error).__name__), about)
        except Exception as error:
            # What breaks by itself breaks each time: those behind it go on.
            log.exception("queue.broke", queue=self._rounds.name, **about)
            return await self._give_up(row, type(error).__name__, about)
        await self._queue.settle(row.id, self._done)
        return ""

    async def _failed(self, row: R, error: IntegrationError, about: dict[str, str]) -> str:
        if isinstance(error, Refused) or row.tries + 1 >= self._bounds.tries:
            return await self._give_up(row, str(error), about)
        wait = wait_after(error, row.tries)
        log.warning("queue.not_done", queue=self._rounds.name, again_in=round(wait), error=str(error), **about)
        await self._queue.again(row.id, self._clock() + wait, str(error))
        return ""

    async def _give_up(self, row: R, why: str, about: dict[str, str]) -> str:
        log.error("queue.given_up", queue=self._rounds.name, tries=row.tries + 1, error=why, **about)
        await self._queue.settle(row.id, DEAD, why)
        return why

    async def _tidy(self) -> None:
        if self._clock() - self._tidied > TIDY:
            self._tidied = self._clock()
            await self._queue.forget(self._clock() - KEPT)
