"""The reviews that break-glass promotions owe."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Person
from bot.domain.safety import Review
from bot.store.codec import dump, load
from bot.store.database import Database, metadata

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("promotion_id", sa.String(64), primary_key=True),
    sa.Column("open", sa.Boolean, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
)


class ReviewStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def owe(self, connection: AsyncConnection, review: Review) -> None:
        """In the caller's transaction; owing it twice is owing it once."""
        known = sa.select(reviews.c.promotion_id).where(reviews.c.promotion_id == review.promotion_id)
        if not (await connection.execute(known)).first():
            await connection.execute(
                reviews.insert().values(promotion_id=review.promotion_id, open=True, state=dump(review))
            )

    async def close(self, connection: AsyncConnection, review: Review, by: Person, note: str, at: datetime) -> Review:
        closed = replace(review, closed_by=by, closed_at=at, note=note)
        same = reviews.c.promotion_id == review.promotion_id
        await connection.execute(reviews.update().where(same).values(open=False, state=dump(closed)))
        return closed

    async def get(self, promotion_id: str) -> Review | None:
        found = await self._load(sa.select(reviews.c.state).where(reviews.c.promotion_id == promotion_id))
        return found[0] if found else None

    async def get_open(self, connection: AsyncConnection, promotion_id: str) -> Review | None:
        """In the caller's transaction; None when it is closed, or was never owed."""
        mine = sa.select(reviews.c.state).where(reviews.c.promotion_id == promotion_id, reviews.c.open)
        state = (await connection.execute(mine)).scalar_one_or_none()
        return load(state, Review) if state is not None else None

    async def open(self) -> tuple[Review, ...]:
        """Oldest first."""
        found = await self._load(sa.select(reviews.c.state).where(reviews.c.open))
        return tuple(sorted(found, key=lambda review: review.opened_at))

    async def _load(self, query: sa.Select[Any]) -> tuple[Review, ...]:
        async with self._database.reading() as connection:
            return tuple(load(state, Review) for state in (await connection.execute(query)).scalars().all())
