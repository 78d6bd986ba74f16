"""Wishes that wait for another promotion to end."""

from datetime import UTC
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.intent import Deploy, Promote, Rollback, Wish
from bot.domain.queueing import Waiting
from bot.store.codec import dump, load
from bot.store.database import Database, metadata

queue = sa.Table(
    "promotion_queue",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("user_id", sa.String(32), nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("request_id", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("wish", sa.Text, nullable=False),
    sa.Column("team", sa.String(32), nullable=False),
    sa.Column("in_front", sa.Boolean, nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("user_id", "about"),
)

KINDS: dict[str, type[Wish]] = {kind.__name__: kind for kind in (Deploy, Promote, Rollback)}


class QueueStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, connection: AsyncConnection, waiting: Waiting) -> Waiting | None:
        """In the caller's transaction. Who waits there already keeps their place, with the newest wish.

        What they waited for before, until now.
        """
        there = sa.select(queue).where(queue.c.user_id == waiting.user, queue.c.about == waiting.about)
        before = (await connection.execute(there.with_for_update())).mappings().first()
        insert = self._database.insert(queue)
        newest = {
            "request_id": waiting.wish.context.request_id,
            "kind": type(waiting.wish).__name__,
            "wish": dump(waiting.wish),
            "team": waiting.team,
            "in_front": waiting.first,
            "since": waiting.since,
        }
        row = insert.values(user_id=waiting.user, about=waiting.about, **newest)
        await connection.execute(row.on_conflict_do_update(index_elements=["user_id", "about"], set_=newest))
        return _waiting(dict(before)) if before else None

    async def all(self) -> tuple[Waiting, ...]:
        """In the order in which their turn comes."""
        query = sa.select(queue).order_by(queue.c.in_front.desc(), queue.c.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(_waiting(dict(row)) for row in rows)

    async def holds(self, connection: AsyncConnection, waiting: Waiting) -> bool:
        """Whether it waits still. Nobody takes it off before the caller's transaction is over."""
        mine = (queue.c.user_id == waiting.user, queue.c.request_id == waiting.wish.context.request_id)
        query = sa.select(queue.c.id).where(*mine).with_for_update()
        return (await connection.execute(query)).first() is not None

    async def remove(self, connection: AsyncConnection, waiting: Waiting) -> bool:
        """In the caller's transaction. False when somebody else has, or the person waits for something newer."""
        mine = (queue.c.user_id == waiting.user, queue.c.request_id == waiting.wish.context.request_id)
        return (await connection.execute(queue.delete().where(*mine))).rowcount == 1


def _waiting(row: dict[str, Any]) -> Waiting:
    wish = load(row["wish"], KINDS[row["kind"]])
    since = row["since"] if row["since"].tzinfo else row["since"].replace(tzinfo=UTC)
    return Waiting(wish, row["user_id"], row["team"], since, row["in_front"])
