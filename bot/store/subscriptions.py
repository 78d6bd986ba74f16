"""Who hears of what: of one promotion once, and of news for as long as they like; and what is muted."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Person
from bot.domain.subscription import ANNOTATION, NewsMute, Scope, Subscription
from bot.store.database import Database, metadata

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

AT_ONCE = 200
"""places in one transaction, so that nobody else waits long"""


class SubscriptionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, promotion: str, person: Person) -> None:
        """Asking twice is asking once."""
        insert = self._database.insert(subscriptions)
        row = insert.values(promotion_id=promotion, user_id=person.id).on_conflict_do_nothing()
        async with self._database.begin() as connection:
            await connection.execute(row)

    async def take(self, connection: AsyncConnection, promotion: str) -> tuple[str, ...]:
        """In the caller's transaction: the users to tell, who are told by that and wait no more."""
        mine = subscriptions.delete().where(subscriptions.c.promotion_id == promotion)
        users = (await connection.execute(mine.returning(subscriptions.c.user_id))).scalars().all()
        return tuple(sorted(users))

    async def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Twice is once."""
        async with self._database.begin() as connection:
            await self._put(connection, subscriptions)

    async def annotate(self, said: Mapping[tuple[str, str], Iterable[Subscription]]) -> None:
        """By app and environment, in place of all that annotations said of it before."""
        table = news_subscriptions
        there = (table.c.app == sa.bindparam("its_app"), table.c.environment == sa.bindparam("its_environment"))
        places = list(said)
        for at in range(0, len(places), AT_ONCE):
            some = places[at : at + AT_ONCE]
            async with self._database.begin() as connection:
                names = [{"its_app": app, "its_environment": environment} for app, environment in some]
                await connection.execute(table.delete().where(table.c.annotated, *there), names)
                await self._put(connection, [one for place in some for one in said[place]])

    async def unsubscribe(self, listener: str, app: str, environment: str, events: Iterable[str]) -> int:
        """What a person said; "" and () stand for all of it. How many are gone."""
        table = news_subscriptions
        gone = table.delete().where(~table.c.annotated, *_there(table, listener, app, environment, tuple(events)))
        async with self._database.begin() as connection:
            return int((await connection.execute(gone)).rowcount)

    async def all(self, listener: str = "") -> tuple[Subscription, ...]:
        """Of one listener, or ("") of all."""
        query = sa.select(news_subscriptions).order_by(*news_subscriptions.primary_key.columns)
        if listener:
            query = query.where(news_subscriptions.c.listener == listener)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(Subscription(row.listener, Scope(row.app, row.environment, row.event), row.by) for row in rows)

    async def annotated(self) -> tuple[str, ...]:
        """The listeners that annotations name."""
        table = news_subscriptions
        query = sa.select(table.c.listener).where(table.c.annotated).distinct().order_by(table.c.listener)
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def any(self, connection: AsyncConnection) -> bool:
        """In the caller's transaction: whether anybody is subscribed to anything."""
        query = sa.select(news_subscriptions.c.listener).limit(1)
        return (await connection.execute(query)).first() is not None

    async def mute(self, mutes: Iterable[NewsMute]) -> None:
        """The newest end counts."""
        async with self._database.begin() as connection:
            for one in mutes:
                scope = one.scope
                key = {"app": scope.app, "environment": scope.environment, "event": scope.event}
                newest = {"until": one.until.timestamp(), "by": one.by}
                row = self._database.insert(news_mutes).values(listener=one.listener, **key, **newest)
                keys = [column.name for column in news_mutes.primary_key.columns]
                await connection.execute(row.on_conflict_do_update(index_elements=keys, set_=newest))

    async def unmute(self, listener: str, app: str, environment: str, events: Iterable[str]) -> int:
        gone = news_mutes.delete().where(*_there(news_mutes, listener, app, environment, tuple(events)))
        async with self._database.begin() as connection:
            return int((await connection.execute(gone)).rowcount)

    async def muted(self, now: float, listener: str = "") -> tuple[NewsMute, ...]:
        """What is not over, of one listener, or ("") of all."""
        query = sa.select(news_mutes).where(news_mutes.c.until > now).order_by(*news_mutes.primary_key.columns)
        if listener:
            query = query.where(news_mutes.c.listener == listener)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
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
            await connection.execute(self._database.insert(news_subscriptions).on_conflict_do_nothing(), rows)


def _mute(row: Any) -> NewsMute:
    scope, until = Scope(row.app, row.environment, row.event), datetime.fromtimestamp(row.until, UTC)
    return NewsMute(row.listener, scope, until, row.by)


def _there(
    table: sa.Table, listener: str, app: str, environment: str, events: tuple[str, ...]
) -> list[sa.ColumnElement[bool]]:
    named = [(table.c.app, app), (table.c.environment, environment)]
    found = [table.c.listener == listener, *(column == name for column, name in named if name)]
    return [*found, table.c.event.in_(events)] if events else found
