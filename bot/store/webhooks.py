"""What other systems told us: noted before they are answered, worked on afterwards. Times: seconds since the epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.store.database import Database, metadata
from bot.store.leased_queue import LeasedQueue

events = sa.Table(
    "webhook_events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("sender", sa.String(32), nullable=False),
    sa.Column("delivery", sa.String(255), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, server_default="pending"),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("leased_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("sender", "delivery"),
    sa.Index("ix_webhook_events_state_sender_id", "state", "sender", "id"),
)

episodes = sa.Table(
    "alert_episodes",
    metadata,
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("at", sa.Float, nullable=False, index=True),
)
"""The newest firing of each alert, from its start to its end (NULL while it fires)."""


@dataclass(frozen=True)
class Episode:
    """One firing of an alert. Its message is found by `id`."""

    fingerprint: str
    id: str
    started_at: float
    ended_at: float | None = None


@dataclass(frozen=True)
class Received:
    """One delivery: `delivery` is equal when it comes a second time, `facts` is JSON."""

    id: int
    sender: str
    delivery: str
    facts: str
    tries: int


class WebhookStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue = LeasedQueue(database, events, events.c.id)

    async def note(self, sender: str, delivery: str, facts: str, now: float) -> bool:
        """False when this delivery was noted before."""
        row = {"sender": sender, "delivery": delivery, "facts": facts, "received_at": now, "due_at": now}
        return await self._change(self._database.insert(events).values(row).on_conflict_do_nothing()) == 1

    async def due(self, now: float, ordered: Iterable[str] = ()) -> tuple[Received, ...]:
        """The oldest of each sender that may be tried now. What waits for its next try is passed by what came later,
        but for the senders in `ordered`, whose messages speak of each other.
        """
        rows = await self._queue.due(now, about=[events.c.sender], holding=events.c.sender.in_(list(ordered)))
        return tuple(Received(row["id"], row["sender"], row["delivery"], row["facts"], row["tries"]) for row in rows)

    async def lease(self, received: Received, now: float, seconds: float) -> bool:
        """Whether this process may work on it: nobody else does for so long."""
        return await self._queue.lease(received.id, received.tries, now, seconds)

    async def release_all(self) -> None:
        """After a start: where there is only one replica, what was leased is nobody's."""
        await self._queue.release_all()

    async def settle(self, id: int, state: str, error: str = "") -> None:
        """`state` is DONE or DEAD. That it came is kept; what it said is not."""
        await self._queue.settle([id], state, error, facts="")

    async def again(self, id: int, due_at: float, error: str) -> None:
        await self._queue.again(id, due_at, error)

    async def forget(self, before: float) -> int:
        """Drop what came before then and is settled, and the alerts that nobody spoke of since."""
        await self._change(episodes.delete().where(episodes.c.at < before))
        return await self._queue.forget(events.c.received_at < before)

    async def episode(self, fingerprint: str) -> Episode | None:
        """The newest one."""
        rows = await self._all(sa.select(episodes).where(episodes.c.fingerprint == fingerprint))
        return next((Episode(row.fingerprint, row.id, row.started_at, row.ended_at) for row in rows), None)

    async def keep(self, episode: Episode, now: float) -> None:
        """As the newest one of its alert."""
        values = {"id": episode.id, "started_at": episode.started_at, "ended_at": episode.ended_at, "at": now}
        upsert = self._database.insert(episodes).values(fingerprint=episode.fingerprint, **values)
        await self._change(upsert.on_conflict_do_update(index_elements=["fingerprint"], set_=values))

    async def _change(self, statement: sa.Executable) -> int:
        async with self._database.begin() as connection:
            return int((await connection.execute(statement)).rowcount)

    async def _all(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        async with self._database.reading() as connection:
            rows: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
        return rows
