"""What other systems told us: noted before they are answered, worked on afterwards. Times: seconds since the epoch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.domain.alert import Alert
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.leased_queue import LeasedQueue, QueueTable
from bot.store.statements import among, given, replacing, unless_there

AT_ONCE = 500
"""fingerprints in one query"""

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


told_alerts = sa.Table(
    "told_alerts",
    metadata,
    sa.Column("message", sa.String(64), primary_key=True),
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("alert", sa.Text, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("at", sa.Float, nullable=False, index=True),
)
"""The alerts of each message, as they were last told; `place` is their order in it."""

alert_groups = sa.Table(
    "alert_groups",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("message", sa.String(64), nullable=False),
    sa.Column("begun_at", sa.Float, nullable=False),
    sa.Column("at", sa.Float, nullable=False, index=True),
)
"""The newest message of each of Alertmanager's groups."""

_QUEUE = QueueTable(events, events.c.id, about=[events.c.sender], holding=among(events.c.sender, "ordered"))
_NOTED = unless_there(events, events.c.id)
_EPISODES = sa.select(episodes).where(among(episodes.c.fingerprint, "wanted"))
_NEWEST_EPISODE = replacing(episodes, ["fingerprint"], "id", "started_at", "ended_at", "at")
_TOLD = (
    sa.select(told_alerts.c.alert)
    .where(given(told_alerts.c.message))
    .order_by(told_alerts.c.place, told_alerts.c.fingerprint)
)
_LAST_TOLD = replacing(told_alerts, ["message", "fingerprint"], "alert", "at")
_GROUP = sa.select(alert_groups).where(given(alert_groups.c.key))
_NEWEST_MESSAGE = replacing(alert_groups, ["key"], "message", "begun_at", "at")


@dataclass(frozen=True)
class GroupMessage:
    """The newest message of a group, and when it was begun."""

    key: str
    message: str
    begun_at: float


@dataclass(frozen=True)
class AlertEpisode:
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
        self._queue = LeasedQueue(database, _QUEUE)

    async def note(self, sender: str, delivery: str, facts: str, now: float) -> bool:
        """False when this delivery was noted before."""
        row = {"sender": sender, "delivery": delivery, "facts": facts, "received_at": now, "due_at": now}
        async with self._database.begin() as connection:
            return (await connection.execute(_NOTED.on(connection), row)).scalar_one_or_none() is not None

    async def due(self, now: float, ordered: Iterable[str] = ()) -> tuple[Received, ...]:
        """The oldest of each sender that may be tried now. What waits for its next try is passed by what came later,
        but for the senders in `ordered`, whose messages speak of each other.
        """
        rows = await self._queue.due(now, ordered=list(ordered))
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
        for table in (episodes, told_alerts, alert_groups):
            await self._change(table.delete().where(table.c.at < before))
        return await self._queue.forget(events.c.received_at < before)

    async def episodes(self, fingerprints: Iterable[str]) -> dict[str, AlertEpisode]:
        """The newest one of each alert that has one."""
        wanted = list(dict.fromkeys(fingerprints))
        found: dict[str, AlertEpisode] = {}
        for start in range(0, len(wanted), AT_ONCE):
            rows = await self._all(_EPISODES, {"wanted": wanted[start : start + AT_ONCE]})
            found |= {
                row.fingerprint: AlertEpisode(row.fingerprint, row.id, row.started_at, row.ended_at) for row in rows
            }
        return found

    async def group(self, key: str) -> GroupMessage | None:
        rows = await self._all(_GROUP, {"key": key})
        return next((GroupMessage(row.key, row.message, row.begun_at) for row in rows), None)

    async def told(self, message: str) -> tuple[Alert, ...]:
        """The alerts of a message, in their order."""
        return tuple(load(row.alert, Alert) for row in await self._all(_TOLD, {"message": message}))

    async def keep(self, news: Sequence[tuple[AlertEpisode, Alert]], group: GroupMessage | None, now: float) -> None:
        """Each as the newest episode of its alert, and in its message; with the group's newest message."""
        async with self._database.begin() as connection:
            for place, (episode, alert) in enumerate(news):
                values = {"id": episode.id, "started_at": episode.started_at, "ended_at": episode.ended_at, "at": now}
                row = {"fingerprint": episode.fingerprint, **values}
                await connection.execute(_NEWEST_EPISODE.on(connection), row)
                told = {"place": place, "alert": dump(alert), "at": now}
                line = {"message": episode.id, "fingerprint": episode.fingerprint, **told}
                await connection.execute(_LAST_TOLD.on(connection), line)
            if group:
                begun = {"key": group.key, "message": group.message, "begun_at": group.begun_at, "at": now}
                await connection.execute(_NEWEST_MESSAGE.on(connection), begun)

    async def _change(self, statement: sa.Executable) -> int:
        async with self._database.begin() as connection:
            return int((await connection.execute(statement)).rowcount)

    async def _all(self, query: sa.Select[Any], named: Mapping[str, object] | None = None) -> Sequence[sa.Row[Any]]:
        async with self._database.reading() as connection:
            rows: Sequence[sa.Row[Any]] = (await connection.execute(query, named)).all()
        return rows
