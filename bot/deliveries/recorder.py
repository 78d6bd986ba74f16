"""Where facts are written down: the facts, and how far their observer has read, in one transaction or not at all."""

import asyncio
import time
from collections.abc import Callable, Iterable

from bot.domain.delivery import Fact
from bot.runtime.metrics import DELIVERY_FACTS, OBSERVED
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore


class Recorder:
    """`clock` counts seconds since the epoch."""

    def __init__(self, database: Database, store: DeliveryStore, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self.added = asyncio.Event()
        """set when something was added; whoever waits for it clears it"""

    async def position(self, observer: str) -> str:
        return await self._store.position(observer)

    async def record(self, facts: Iterable[Fact], observer: str = "", position: str = "") -> tuple[Fact, ...]:
        """Those that were not known. Raises DatabaseAway."""
        async with self._database.begin() as connection:
            added = await self._store.add(connection, facts)
            if observer:
                await self._store.move(connection, observer, position)
        if added:
            self.added.set()
        for fact in added:
            DELIVERY_FACTS.labels(fact.environment, fact.kind).inc()
        return added

    def seen(self, observer: str) -> None:
        """The observer has just read all that there was."""
        OBSERVED.labels(observer).set(self._clock())
