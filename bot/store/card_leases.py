"""Which replica edits a card: one at a time, or else an edit that is late would show what is no longer so."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
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
        async with self._locks.setdefault((promotion, channel), asyncio.Lock()):
            card = {"of": promotion, "at": channel}
            lease = await self._take(card)
            try:
                yield lease
            finally:
                if lease.until:
                    mine = {**card, "mine": lease.until, "leased_until": 0}
                    async with self._database.begin() as connection:
                        await connection.execute(_given_back(self._cards), mine)

    async def _take(self, card: Mapping[str, str]) -> Lease:
        """Postgres only, and by its clock: SQLite has one replica."""
        if self._database.sqlite:
            return UNSHARED
        take = {**card, "seconds": CARD_LEASE}
        for _ in range(round(CARD_LEASE / LOOK) + 2):  # once after the lease of a replica that died has ended
            async with self._database.begin() as connection:
                until = (await connection.execute(_taken(self._cards), take)).scalar_one_or_none()
            if until is not None:
                return Lease(until)
            await asyncio.sleep(LOOK)
        raise Unavailable("Pilothouse", "edit a card", "another replica has it")


@cache
def _taken(cards: sa.Table) -> sa.UpdateBase:
    now = sa.func.extract("epoch", sa.func.clock_timestamp())
    free = _this(cards).where(cards.c.leased_until < now)
    return free.values(leased_until=now + sa.bindparam("seconds", type_=sa.Float)).returning(cards.c.leased_until)


@cache
def _given_back(cards: sa.Table) -> sa.Update:
    return _this(cards).where(cards.c.leased_until == sa.bindparam("mine"))


def _this(cards: sa.Table) -> sa.Update:
    return cards.update().where(cards.c.promotion_id == sa.bindparam("of"), cards.c.channel == sa.bindparam("at"))
