"""What is to be said once: written in the transaction of its cause, and delivered afterwards.

Times are seconds since the epoch.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Target, common
from bot.domain.event import Event
from bot.ports import Rendered
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.leased_queue import DEAD, LeasedQueue, QueueTable
from bot.store.statements import unless_there
from bot.store.threads import STALE, ThreadStore

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("apps", sa.Text, nullable=False, server_default="[]"),
    sa.Column("app", sa.String(255), nullable=False, server_default=""),
    sa.Column("environment", sa.String(64), nullable=False),
    sa.Column("promotion_id", sa.String(64), nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("round", sa.String(16), nullable=False, server_default=""),
    sa.Column("channel", sa.String(255), nullable=False),
    sa.Column("threaded", sa.Boolean, nullable=False),
    sa.Column("broadcast", sa.Boolean, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, server_default="pending"),
    sa.Column("put_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("leased_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("promotion_id", "event", "channel", "round"),
    sa.Index("ix_outbox_state_channel_id", "state", "channel", "id"),
)
"""`apps` is a JSON list. `app` is what a replica of the version before reads and writes: later versions drop it."""

SENT = "sent"
_QUEUE = QueueTable(outbox, outbox.c.id, about=(outbox.c.channel, outbox.c.promotion_id), lane=outbox.c.channel)
_PUT = unless_there(outbox, outbox.c.id)
_COUNTED = sa.select(
    sa.func.count().filter(_QUEUE.pending),
    sa.func.count().filter(outbox.c.state == DEAD),
    sa.func.min(outbox.c.put_at).filter(_QUEUE.pending),
)
_STALE_CARDS = sa.select(sa.func.count()).where(STALE)
_HASTENED = (
    outbox.update()
    .where(outbox.c.promotion_id == sa.bindparam("of"), outbox.c.channel == sa.bindparam("at"), _QUEUE.pending)
    .values(due_at=outbox.c.put_at)
)
_TO_BE_SAID = sa.select(outbox.c.promotion_id).where(_QUEUE.pending)


@dataclass(frozen=True)
class OutboxEntry:
    """Something to say once: about an event of a promotion, in a channel (or to the user that `channel` names).

    `apps`: those that it is about, none where it is about all of the environment.

    `threaded`: never without the card above it; otherwise the first one about a promotion opens a thread of its own.
    `broadcast`: also shown in the channel itself.
    """

    apps: tuple[str, ...]
    environment: str
    promotion: str
    event: Event
    channel: str
    message: Rendered
    threaded: bool = False
    broadcast: bool = False
    round: str = ""
    """tells an event that comes again (people are asked once more) from one put twice; at most 16 characters"""

    @property
    def key(self) -> str:
        """By which the message is found again on Slack (S3)."""
        return f"{self.event}{':' if self.round else ''}{self.round}:{self.promotion}"

    @property
    def about(self) -> Target:
        return common(Target(app, self.environment) for app in self.apps or ("",))


@dataclass(frozen=True)
class QueuedEntry:
    """An entry that waits, with the number of tries that were begun: a process may have died in one."""

    id: int
    entry: OutboxEntry
    tries: int


@dataclass(frozen=True)
class Counts:
    """For metrics; `oldest_pending` is when the longest waiting entry was put, None when none waits."""

    pending: int
    dead: int
    stale_cards: int
    oldest_pending: float | None = None


class OutboxStore:
    """`changed` is set whenever there may be something to deliver."""

    def __init__(self, database: Database, threads: ThreadStore, changed: asyncio.Event) -> None:
        self._database = database
        self._queue = LeasedQueue(database, _QUEUE)
        self._threads = threads
        self._changed = changed

    async def put(self, connection: AsyncConnection, entry: OutboxEntry, now: float) -> bool:
        """In the caller's transaction. False when the same was put before."""
        row = {
            "apps": dump(entry.apps),
            "environment": entry.environment,
            "promotion_id": entry.promotion,
            "event": entry.event,
            "round": entry.round,
            "channel": entry.channel,
            "threaded": entry.threaded,
            "broadcast": entry.broadcast,
            "body": dump(entry.message),
            "put_at": now,
            "due_at": now,
        }
        return (await connection.execute(_PUT.on(connection), row)).scalar_one_or_none() is not None

    async def due(self, now: float, limit: int, busy: Collection[str] = ()) -> tuple[QueuedEntry, ...]:
        """The oldest entry that may be tried now in each channel that is not `busy`.

        What is behind one about the same promotion waits, to keep the order; others do not wait for one that is to be
        tried later.
        """
        return tuple(_queued(row) for row in await self._queue.due(now, limit, busy=list(busy)))

    async def lease(self, queued: QueuedEntry, now: float, seconds: float) -> bool:
        """Whether this process may try it: nobody else does for so long. The try counts before it is made."""
        return await self._queue.lease(queued.id, queued.tries, now, seconds)

    async def release_all(self) -> None:
        """After a start: where there is only one replica, what was leased is nobody's."""
        await self._queue.release_all()

    async def settle(self, id: int, state: str, error: str = "") -> None:
        """`state` is SENT or DEAD. That it was said is kept for a while."""
        await self._queue.settle([id], state, error)

    async def again(self, id: int, due_at: float, error: str) -> None:
        await self._queue.again(id, due_at, error)

    async def forget(self, before: float) -> int:
        """Drops what was sent before then, and the threads that nothing is to be said in (`ThreadStore.forget`)."""
        await self._threads.forget(before, _TO_BE_SAID)
        return await self._queue.forget(outbox.c.state == SENT, outbox.c.put_at < before)

    async def counts(self) -> Counts:
        async with self._database.reading() as connection:
            waiting, dead, oldest = (await connection.execute(_COUNTED)).one()
            cards = (await connection.execute(_STALE_CARDS)).scalar_one()
        return Counts(waiting, dead, cards, oldest)

    async def hasten(self, promotion: str, channel: str) -> None:
        """The card is there that entries have waited for: they are tried now."""
        async with self._database.begin() as connection:
            hastened = await connection.execute(_HASTENED, {"of": promotion, "at": channel})
        if hastened.rowcount:
            self._changed.set()


def _queued(row: Mapping[str, Any]) -> QueuedEntry:
    entry = OutboxEntry(
        load(row["apps"], tuple[str, ...]),
        row["environment"],
        row["promotion_id"],
        Event(row["event"]),
        row["channel"],
        load(row["body"], Rendered),
        row["threaded"],
        row["broadcast"],
        row["round"],
    )
    return QueuedEntry(row["id"], entry, row["tries"])
