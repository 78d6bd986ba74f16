"""Wishes that wait for another promotion to end."""

from datetime import UTC
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.intent import Deploy, Promote, Rollback, Wish
from bot.domain.queueing import Waiting
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import given, replacing

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

_THERE = sa.select(queue).where(given(queue.c.user_id, queue.c.about)).with_for_update()
_ADDED = replacing(queue, ["user_id", "about"], "request_id", "kind", "wish", "team", "in_front", "since")
_ALL = sa.select(queue).order_by(queue.c.in_front.desc(), queue.c.id)
_THIS = given(queue.c.user_id, queue.c.request_id)
_HELD = sa.select(queue.c.id).where(_THIS).with_for_update()
_REMOVED = queue.delete().where(_THIS)

KINDS: dict[str, type[Wish]] = {kind.__name__: kind for kind in (Deploy, Promote, Rollback)}


class QueueStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, connection: AsyncConnection, waiting: Waiting) -> Waiting | None:
        """In the caller's transaction. Who waits there already keeps their place, with the newest wish.

        What they waited for before, until now.
        """
        place = {"user_id": waiting.user, "about": waiting.about}
        before = (await connection.execute(_THERE, place)).mappings().first()
        newest = {
            "request_id": waiting.wish.context.request_id,
            "kind": type(waiting.wish).__name__,
            "wish": dump(waiting.wish),
            "team": waiting.team,
            "in_front": waiting.first,
            "since": waiting.since,
        }
        await connection.execute(_ADDED.on(connection), {**place, **newest})
        return _waiting(dict(before)) if before else None

    async def all(self) -> tuple[Waiting, ...]:
        """In the order in which their turn comes."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_ALL)).mappings().all()
        return tuple(_waiting(dict(row)) for row in rows)

    async def holds(self, connection: AsyncConnection, waiting: Waiting) -> bool:
        """Whether it waits still. Nobody takes it off before the caller's transaction is over."""
        return (await connection.execute(_HELD, _this(waiting))).first() is not None

    async def remove(self, connection: AsyncConnection, waiting: Waiting) -> bool:
        """In the caller's transaction. False when somebody else has, or the person waits for something newer."""
        return (await connection.execute(_REMOVED, _this(waiting))).rowcount == 1


def _this(waiting: Waiting) -> dict[str, str]:
    return {"user_id": waiting.user, "request_id": waiting.wish.context.request_id}


def _waiting(row: dict[str, Any]) -> Waiting:
    wish = load(row["wish"], KINDS[row["kind"]])
    since = row["since"] if row["since"].tzinfo else row["since"].replace(tzinfo=UTC)
    return Waiting(wish, row["user_id"], row["team"], since, row["in_front"])
