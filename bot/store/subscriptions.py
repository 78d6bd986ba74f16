"""Who hears of what: of one promotion once, and of news for as long as they like; and what is muted."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Person
from bot.domain.subscription import ANNOTATION, NewsMute, Scope, Subscription
from bot.store.database import Database, metadata
from bot.store.statements import given, replacing, unless_there

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("promotion_id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(32), primary_key=True),
)

news_subscriptions = sa.Table(
    "news_subscriptions",
    metadata,
    sa.Column("listener", sa.String(255), primary_key=True),
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("environment", sa.String(64), primary_key=True),
    sa.Column("event", sa.String(32), primary_key=True),
    sa.Column("annotated", sa.Boolean, primary_key=True, autoincrement=False),
    sa.Column("by", sa.String(32), nullable=False),
)

news_mutes = sa.Table(
    "news_mutes",
    metadata,
    sa.Column("listener", sa.String(255), primary_key=True),
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("environment", sa.String(64), primary_key=True),
    sa.Column("event", sa.String(32), primary_key=True),
    sa.Column("until", sa.Float, nullable=False),
    sa.Column("by", sa.String(32), nullable=False, server_default=""),
)
"""`until`: seconds since the epoch"""

_ADDED = unless_there(subscriptions)
_TAKEN = subscriptions.delete().where(given(subscriptions.c.promotion_id)).returning(subscriptions.c.user_id)
_SUBSCRIBED = unless_there(news_subscriptions)
_REPLACED = news_subscriptions.delete().where(
    news_subscriptions.c.annotated, given(news_subscriptions.c.app, news_subscriptions.c.environment)
)
_ALL = sa.select(news_subscriptions).order_by(*news_subscriptions.primary_key.columns)
_OF_ONE = _ALL.where(given(news_subscriptions.c.listener))
_ANNOTATED = (
    sa.select(news_subscriptions.c.listener)
    .where(news_subscriptions.c.annotated)
    .distinct()
    .order_by(news_subscriptions.c.listener)
)
_ANY = sa.select(news_subscriptions.c.listener).limit(1)
_MUTED = replacing(news_mutes, ["listener", "app", "environment", "event"], "until", "by")
_MUTES = sa.select(news_mutes).where(news_mutes.c.until > sa.bindparam("now")).order_by(*news_mutes.primary_key.columns)
_MUTES_OF_ONE = _MUTES.where(given(news_mutes.c.listener))

AT_ONCE = 200
"""places in one transaction, so that nobody else waits long"""


class SubscriptionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, promotion: str, person: Person) -> None:
        """Asking twice is asking once."""
        async with self._database.begin() as connection:
            await connection.execute(_ADDED.on(connection), {"promotion_id": promotion, "user_id": person.id})

    async def take(self, connection: AsyncConnection, promotion: str) -> tuple[str, ...]:
        """In the caller's transaction: the users to tell, who are told by that and wait no more."""
        users = (await connection.execute(_TAKEN, {"promotion_id": promotion})).scalars().all()
        return tuple(sorted(users))

    async def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Twice is once."""
        async with self._database.begin() as connection:
            await self._put(connection, subscriptions)

    async def annotate(self, said: Mapping[tuple[str, str], Iterable[Subscription]]) -> None:
        """By app and environment, in place of all that annotations said of it before."""
        places = list(said)
        for at in range(0, len(places), AT_ONCE):
            some = places[at : at + AT_ONCE]
            async with self._database.begin() as connection:
                await connection.execute(_REPLACED, [{"app": app, "environment": where} for app, where in some])
                await self._put(connection, [one for place in some for one in said[place]])

    async def unsubscribe(self, listener: str, app: str, environment: str, events: Iterable[str]) -> int:
        """What a person said; "" and () stand for all of it. How many are gone."""
        table = news_subscriptions
        gone = table.delete().where(~table.c.annotated, *_there(table, listener, app, environment, tuple(events)))
        async with self._database.begin() as connection:
            return int((await connection.execute(gone)).rowcount)

    async def all(self, listener: str = "") -> tuple[Subscription, ...]:
        """Of one listener, or ("") of all."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_OF_ONE if listener else _ALL, {"listener": listener})).all()
        return tuple(Subscription(row.listener, Scope(row.app, row.environment, row.event), row.by) for row in rows)

    async def annotated(self) -> tuple[str, ...]:
        """The listeners that annotations name."""
        async with self._database.reading() as connection:
            return tuple((await connection.execute(_ANNOTATED)).scalars())

    async def any(self, connection: AsyncConnection) -> bool:
        """In the caller's transaction: whether anybody is subscribed to anything."""
        return (await connection.execute(_ANY)).first() is not None

    async def mute(self, mutes: Iterable[NewsMute]) -> None:
        """The newest end counts."""
        async with self._database.begin() as connection:
            for one in mutes:
                scope = one.scope
                key = {"app": scope.app, "environment": scope.environment, "event": scope.event}
                newest = {"listener": one.listener, "until": one.until.timestamp(), "by": one.by}
                await connection.execute(_MUTED.on(connection), {**key, **newest})

    async def unmute(self, listener: str, app: str, environment: str, events: Iterable[str]) -> int:
        gone = news_mutes.delete().where(*_there(news_mutes, listener, app, environment, tuple(events)))
        async with self._database.begin() as connection:
            return int((await connection.execute(gone)).rowcount)

    async def muted(self, now: float, listener: str = "") -> tuple[NewsMute, ...]:
        """What is not over, of one listener, or ("") of all."""
        query = _MUTES_OF_ONE if listener else _MUTES
        async with self._database.reading() as connection:
            rows = (await connection.execute(query, {"listener": listener, "now": now})).all()
        return tuple(_mute(row) for row in rows)

    async def forget_mutes(self, before: float) -> None:
        async with self._database.begin() as connection:
            await connection.execute(news_mutes.delete().where(news_mutes.c.until < before))

    async def _put(self, connection: AsyncConnection, subscriptions: Iterable[Subscription]) -> None:
        rows = [
            {
                "listener": one.listener,
                "app": one.scope.app,
                "environment": one.scope.environment,
                "event": one.scope.event,
                "annotated": one.by == ANNOTATION,
                "by": one.by,
            }
            for one in subscriptions
        ]
        if rows:
            await connection.execute(_SUBSCRIBED.on(connection), rows)


def _mute(row: Any) -> NewsMute:
    scope, until = Scope(row.app, row.environment, row.event), datetime.fromtimestamp(row.until, UTC)
    return NewsMute(row.listener, scope, until, row.by)


def _there(
    table: sa.Table, listener: str, app: str, environment: str, events: tuple[str, ...]
) -> list[sa.ColumnElement[bool]]:
    named = [(table.c.app, app), (table.c.environment, environment)]
    found = [table.c.listener == listener, *(column == name for column, name in named if name)]
    return [*found, table.c.event.in_(events)] if events else found
