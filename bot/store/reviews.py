"""The reviews that break-glass promotions owe."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Person
from bot.domain.safety import Review
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import given

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("promotion_id", sa.String(64), primary_key=True),
    sa.Column("open", sa.Boolean, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
)
_OWED = sa.select(reviews.c.state).where(given(reviews.c.promotion_id))
_STILL_OWED = _OWED.where(reviews.c.open)
_OPEN = sa.select(reviews.c.state).where(reviews.c.open)
_PUT = reviews.insert()
_CLOSED = reviews.update().where(reviews.c.promotion_id == sa.bindparam("of"))


class ReviewStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def owe(self, connection: AsyncConnection, review: Review) -> None:
        """In the caller's transaction; owing it twice is owing it once."""
        mine = {"promotion_id": review.promotion_id}
        if not (await connection.execute(_OWED, mine)).first():
            await connection.execute(_PUT, {**mine, "open": True, "state": dump(review)})

    async def close(self, connection: AsyncConnection, review: Review, by: Person, note: str, at: datetime) -> Review:
        closed = replace(review, closed_by=by, closed_at=at, note=note)
        await connection.execute(_CLOSED, {"of": review.promotion_id, "open": False, "state": dump(closed)})
        return closed

    async def get(self, promotion_id: str) -> Review | None:
        found = await self._load(_OWED, {"promotion_id": promotion_id})
        return found[0] if found else None

    async def get_open(self, connection: AsyncConnection, promotion_id: str) -> Review | None:
        """In the caller's transaction; None when it is closed, or was never owed."""
        state = (await connection.execute(_STILL_OWED, {"promotion_id": promotion_id})).scalar_one_or_none()
        return load(state, Review) if state is not None else None

    async def open(self) -> tuple[Review, ...]:
        """Oldest first."""
        found = await self._load(_OPEN)
        return tuple(sorted(found, key=lambda review: review.opened_at))

    async def _load(self, query: sa.Select[Any], named: Mapping[str, str] | None = None) -> tuple[Review, ...]:
        async with self._database.reading() as connection:
            return tuple(load(state, Review) for state in (await connection.execute(query, named)).scalars().all())
