"""Where facts are written down: with what is news in them, and how far their observer has read, or not at all."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from bot.deliveries.news_recorder import NewsRecorder
from bot.domain.delivery import Fact
from bot.runtime.metrics import DELIVERY_FACTS, OBSERVED
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore

AWAY_SECONDS = 3600.0
"""without a whole look after which an observer was away: what it finds then is told in one summary"""
NOTED_EVERY = 60.0
"""seconds: when an observer last looked is written down"""

Again = Callable[[Fact], Fact]


class Recorder:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self, database: Database, store: DeliveryStore, news: NewsRecorder, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._news = news
        self._store = store
        self._clock = clock
        self._listeners: list[asyncio.Event] = []
        self._seen: dict[str, float] = {}
        """observer → when it had last read all that there was"""
        self._noted: dict[str, float] = {}

    def listen(self) -> asyncio.Event:
        """Set when something was added; whoever listens clears it."""
        self._listeners.append(asyncio.Event())
        return self._listeners[-1]

    async def position(self, observer: str) -> str:
        return await self._store.position(observer)

    async def newest(self, kind: str) -> datetime | None:
        """When the newest fact of a kind happened."""
        return await self._store.newest(kind)

    async def of_kind(self, kind: str) -> tuple[Fact, ...]:
        """Every fact of a kind, oldest first."""
        return await self._store.of_kinds([kind], datetime.min.replace(tzinfo=UTC))

    async def record(
        self, facts: Iterable[Fact], observer: str = "", position: str = "", *, late: bool = False
    ) -> tuple[Fact, ...]:
        """Those that were not known; `late`: their observer was away. Raises DatabaseAway."""
        async with self._database.begin() as connection:
            added = await self._store.add(connection, facts)
            await self._news.take(connection, added, late=late)
            if observer:
                await self._store.move(connection, observer, position)
        self._tell(added)
        return added

    async def step(
        self, facts: Sequence[Fact], observer: str, ends: tuple[str, str], again: Again, *, late: bool = False
    ) -> tuple[Fact, ...] | None:
        """What happened between two positions of an observer; those that were not known. Raises DatabaseAway.

        None, and nothing is written, where another replica has read on meanwhile. So a fact that is on record all the
        same has happened once more, and `again` makes it one of its own.
        """
        since, position = ends
        async with self._database.begin() as connection:
            if await self._store.position_in(connection, observer) != since:
                return None
            added = await self._store.add(connection, facts)
            if repeated := [again(fact) for fact in facts if fact not in added]:
                added += await self._store.add(connection, repeated)
            await self._news.take(connection, added, late=late)
            await self._store.move(connection, observer, position)
        self._tell(added)
        return added

    def _tell(self, added: Sequence[Fact]) -> None:
        for listener in self._listeners if added else ():
            listener.set()
        for fact in added:
            DELIVERY_FACTS.labels(fact.environment, fact.kind).inc()

    def seen(self, observer: str) -> None:
        """The observer has just read all that there was."""
        OBSERVED.labels(observer).set(self._clock())

    async def was_away(self, observer: str) -> bool:
        """Whether nobody has looked for long, in this process or before it. Not before the first look ever."""
        if self._is_away(observer):  # as far as this process knows: another may have looked meanwhile
            seen = self._seen.get(observer, self._clock())
            self._noted[observer] = noted = float(await self._store.position(_seen(observer)) or seen)
            self._seen[observer] = max(noted, self._seen.get(observer, noted))
        return self._is_away(observer)

    def last_look(self, observer: str) -> datetime:
        """When it had last read all that there was, as `was_away` has found out; long ago where nobody knows."""
        return datetime.fromtimestamp(self._seen.get(observer, 0.0), UTC)

    def _is_away(self, observer: str) -> bool:
        return self._clock() - self._seen.get(observer, -math.inf) > AWAY_SECONDS

    async def looked(self, observer: str) -> None:
        """The observer has just read all that there was: written down now and then, for the next process."""
        self._seen[observer] = now = self._clock()
        if now - self._noted.get(observer, 0.0) < NOTED_EVERY:
            return
        async with self._database.begin() as connection:
            await self._store.move(connection, _seen(observer), f"{now:.0f}")
        self._noted[observer] = now


def _seen(observer: str) -> str:
    return f"seen {observer}"[:64]
