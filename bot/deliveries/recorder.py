"""Where facts are written down: with what is news in them, and how far their observer has read, or not at all."""

import asyncio
import time
from collections.abc import Callable, Iterable

from bot.deliveries.newsroom import Newsroom
from bot.domain.delivery import Fact
from bot.runtime.metrics import DELIVERY_FACTS, OBSERVED
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore


class Recorder:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self, database: Database, store: DeliveryStore, news: Newsroom, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._news = news
        self._store = store
        self._clock = clock
        self._listeners: list[asyncio.Event] = []

    def listen(self) -> asyncio.Event:
        """Set when something was added; whoever listens clears it."""
        self._listeners.append(asyncio.Event())
        return self._listeners[-1]

    async def position(self, observer: str) -> str:
        return await self._store.position(observer)

    async def record(self, facts: Iterable[Fact], observer: str = "", position: str = "") -> tuple[Fact, ...]:
        """Those that were not known. Raises DatabaseAway."""
        async with self._database.begin() as connection:
            added = await self._store.add(connection, facts)
            await self._news.take(connection, added)
            if observer:
                await self._store.move(connection, observer, position)
        for listener in self._listeners if added else ():
            listener.set()
        for fact in added:
            DELIVERY_FACTS.labels(fact.environment, fact.kind).inc()
        return added

    def seen(self, observer: str) -> None:
        """The observer has just read all that there was."""
        OBSERVED.labels(observer).set(self._clock())
