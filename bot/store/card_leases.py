"""Which replica edits a card: one at a time, or else an edit that is late would show what is no longer so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

import sqlalchemy as sa

from bot.domain.errors import Unavailable
from bot.store.database import Database

CARD_LEASE = 45.0
"""seconds for which a card belongs to the replica that edits it: longer than any edit takes"""
LOOK = 0.1
"""seconds between two looks whether another replica has given a card back"""


@dataclass(frozen=True)
class Lease:
    """The right to edit one card; `until`, in seconds since the epoch, tells it from later ones."""

    until: float = 0.0


UNSHARED = Lease()
"""where there is only one replica"""


class CardLeases:
    """`cards` has `promotion_id`, `channel` and `leased_until`, in seconds since the epoch."""

    def __init__(self, database: Database, cards: sa.Table) -> None:
        self._database = database
        self._cards = cards
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, promotion: str, channel: str) -> AsyncIterator[Lease]:
        """Whoever posts or edits that card does so alone, on whichever replica.

        Raises Unavailable while another replica has it and does not give it back.
        """
        cards = self._cards
        async with self._locks.setdefault((promotion, channel), asyncio.Lock()):
            same = (cards.c.promotion_id == promotion) & (cards.c.channel == channel)
            lease = await self._take(same)
            try:
                yield lease
            finally:
                if lease.until:
                    mine = cards.update().where(same, cards.c.leased_until == lease.until)
                    async with self._database.begin() as connection:
                        await connection.execute(mine.values(leased_until=0))

    async def _take(self, same: sa.ColumnElement[bool]) -> Lease:
        """Postgres only, and by its clock: SQLite has one replica."""
        if self._database.sqlite:
            return UNSHARED
        cards = self._cards
        now = sa.func.extract("epoch", sa.func.clock_timestamp())
        take = cards.update().where(same, cards.c.leased_until < now).values(leased_until=now + CARD_LEASE)
        for _ in range(round(CARD_LEASE / LOOK) + 2):  # once after the lease of a replica that died has ended
            async with self._database.begin() as connection:
                until = (await connection.execute(take.returning(cards.c.leased_until))).scalar_one_or_none()
            if until is not None:
                return Lease(until)
            await asyncio.sleep(LOOK)
        raise Unavailable("Pilothouse", "edit a card", "another replica has it")
