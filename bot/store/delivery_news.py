"""News of deliveries, and the messages in which they are told: a message is a bundle of news, edited as they go on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.delivery import News
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import among, escaped, given, limit, unless_there

AT_ONCE = 500
"""apps in one statement, or rows in one transaction"""
PEOPLE = ("U", "W")
"""what their ids begin with; no channel's id or name does"""
ENDED = "ended"
"""in place of the environment, of a journey that nothing wakes"""
news = sa.Table(
    "delivery_news",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(255), nullable=False, unique=True),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("app", sa.String(255), nullable=False),
    sa.Column("environment", sa.String(64), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("noted_at", sa.Float, nullable=False),
    sa.Column("addressed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ix_delivery_news_app_environment_event", "app", "environment", "event"),
)
sa.Index("ix_delivery_news_new", news.c.id, sqlite_where=~news.c.addressed, postgresql_where=~news.c.addressed)

notices = sa.Table(
    "delivery_notices",
    metadata,
    sa.Column("news_id", sa.ForeignKey("delivery_news.id"), primary_key=True),
    sa.Column("channel", sa.String(255), primary_key=True),
    sa.Column("bundle", sa.String(64), nullable=False, index=True),
    sa.Column("shown", sa.Integer, nullable=False, server_default="0"),
)

_PUT = unless_there(news, news.c.id)
_FOUND = sa.select(news.c.state).where(given(news.c.key))
_LOCKED = _FOUND.with_for_update()
_NEWEST = (
    sa.select(news.c.state)
    .where(given(news.c.app, news.c.environment, news.c.event))
    .order_by(news.c.id.desc())
    .limit(1)
)
_NOTED_SINCE = (
    sa.select(news.c.state).where(given(news.c.event), news.c.noted_at >= sa.bindparam("since")).order_by(news.c.id)
)
_THIS = news.c.id == sa.bindparam("this")
_GOING_ON = (
    sa.select(news.c.id)
    .where(news.c.event == sa.bindparam("kind"), news.c.environment == "", among(news.c.app, "mine"))
    .order_by(news.c.id)
    .with_for_update()  # in this order, so that two replicas never wait for each other
)
_NEW_VERSION = news.update().values(version=news.c.version + 1)
_WOKEN = _NEW_VERSION.where(news.c.id.in_(_GOING_ON))
_READDRESSED = _NEW_VERSION.values(addressed=False).where(among(news.c.key, "keys"))
_CHANGED = _NEW_VERSION.where(news.c.key == sa.bindparam("its_key"))
_CHANGED_THIS = _NEW_VERSION.where(_THIS)
_ENDED = news.update().values(environment=ENDED).where(news.c.key == sa.bindparam("its_key"))
_OLD = (
    sa.select(news.c.id, news.c.state)
    .where(given(news.c.event), news.c.environment == "", news.c.noted_at < sa.bindparam("before"))
    .order_by(news.c.id)
    .limit(AT_ONCE)
    .with_for_update()
)
_OLDEST = sa.select(sa.func.min(news.c.noted_at)).where(given(news.c.event, news.c.app), news.c.environment == "")
_UNADDRESSED = (
    sa.select(news).where(~news.c.addressed, news.c.id > sa.bindparam("after")).order_by(news.c.id).limit(limit())
)
_ADDRESSED = news.update().where(_THIS, ~news.c.addressed, news.c.version == sa.bindparam("known"))
_TOLD = sa.select(news.c.state).where(given(news.c.id))
_PLACED = unless_there(notices)
_PLACES = (
    sa.select(news.c.key, notices.c.channel, notices.c.bundle)
    .join(notices, news.c.id == notices.c.news_id)
    .where(among(news.c.key, "keys"))
)
_ROOM = (
    sa.select(notices.c.bundle, sa.func.count(), sa.func.min(news.c.noted_at))
    .join(news, news.c.id == notices.c.news_id)
    .where(given(notices.c.channel), notices.c.bundle.startswith(sa.bindparam("prefix"), escape="/"))
    .where(news.c.noted_at >= sa.bindparam("since"))
    .group_by(notices.c.bundle)
    .order_by(sa.func.max(news.c.id).desc())
    .limit(1)
)
_SHOWN = notices.update().where(
    notices.c.bundle == sa.bindparam("of"), notices.c.channel == sa.bindparam("at"), among(notices.c.news_id, "these")
)
_BUNDLE = (
    sa.select(news.c.id, news.c.version, news.c.state)
    .join(notices, news.c.id == notices.c.news_id)
    .where(given(notices.c.bundle, notices.c.channel))
    .order_by(news.c.id)
)


@dataclass(frozen=True)
class Noted:
    """A piece of news as it is kept; `noted_at` in seconds since the epoch."""

    id: int
    news: News
    noted_at: float
    version: int = 1


@dataclass(frozen=True)
class NewsBundle:
    """One message in one channel, and all that is in it, in the order in which it was noted."""

    id: str
    channel: str
    items: tuple[News, ...]
    versions: Mapping[int, int]
    """of the news in it, by their ids"""


@dataclass(frozen=True)
class Addressed:
    """`bundles`: channel → the message there that tells it; `user` made the change, where that is known.

    `version`: what was known of it when that was decided. `complete`: nobody else is to be asked who hears of it.
    """

    id: int
    bundles: Mapping[str, str]
    user: str = ""
    version: int = 1
    complete: bool = True


class NewsStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, connection: AsyncConnection, new: News, now: float) -> bool:
        """In the caller's transaction; False when it is known."""
        row = {
            "key": new.key[:255],
            "event": new.event,
            "app": new.app[:255],
            "environment": new.environment,
            "state": dump(new),
            "noted_at": now,
        }
        return (await connection.execute(_PUT.on(connection), row)).scalar_one_or_none() is not None

    async def find(self, connection: AsyncConnection, key: str, *, lock: bool = False) -> News | None:
        """`lock`: nobody else changes it until the transaction is over."""
        query = _LOCKED if lock else _FOUND
        state = (await connection.execute(query, {"key": key[:255]})).scalar_one_or_none()
        return load(state, News) if state is not None else None

    async def newest(self, connection: AsyncConnection, app: str, environment: str, event: str) -> News | None:
        there = {"app": app, "environment": environment, "event": event}
        state = (await connection.execute(_NEWEST, there)).scalar_one_or_none()
        return load(state, News) if state is not None else None

    async def noted(self, event: str, since: float) -> tuple[News, ...]:
        """Of a kind, noted since then, oldest first."""
        async with self._database.reading() as connection:
            states = (await connection.execute(_NOTED_SINCE, {"event": event, "since": since})).scalars().all()
        return tuple(load(state, News) for state in states)

    async def change(self, connection: AsyncConnection, changed: News) -> None:
        """It shows this from now on, wherever it is told."""
        await connection.execute(_CHANGED, {"its_key": changed.key[:255], "state": dump(changed)})

    async def wake(self, connection: AsyncConnection, event: str, apps: Iterable[str]) -> None:
        """What is told of these apps is to be shown again; not what has ended."""
        wanted = sorted(set(apps))
        for start in range(0, len(wanted), AT_ONCE):
            await connection.execute(_WOKEN, {"kind": event, "mine": wanted[start : start + AT_ONCE]})

    async def readdress(self, connection: AsyncConnection, keys: Iterable[str]) -> None:
        """There may be somebody more to tell."""
        await connection.execute(_READDRESSED, {"keys": [key[:255] for key in keys]})

    async def end(self, key: str) -> None:
        """Nothing wakes it from now on. (Earlier versions wrote the environment in which it had ended.)"""
        async with self._database.begin() as connection:
            await connection.execute(_ENDED, {"its_key": key[:255]})

    async def end_old(self, event: str, before: float, now: datetime) -> int:
        """Ends what was noted before then and goes on: it is shown once more, and says so. How many."""
        async with self._database.begin() as connection:
            rows = (await connection.execute(_OLD, {"event": event, "before": before})).all()
            for id, state in rows:
                ended = {"environment": ENDED, "state": dump(replace(load(state, News), over_at=now))}
                await connection.execute(_CHANGED_THIS, {"this": id, **ended})
        return len(rows)

    async def oldest(self, event: str, app: str) -> float | None:
        """When the oldest was noted that goes on; None where there is none."""
        async with self._database.reading() as connection:
            first: float | None = (await connection.execute(_OLDEST, {"event": event, "app": app})).scalar_one()
        return first

    async def places(self, keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """The messages that tell them, with their channels, in the order of the keys."""
        wanted = [key[:255] for key in keys]
        if not wanted:
            return ()
        async with self._database.reading() as connection:
            rows = (await connection.execute(_PLACES, {"keys": wanted})).all()
        ordered = sorted(rows, key=lambda row: (wanted.index(row.key), row.channel))
        return tuple((row.bundle, row.channel) for row in ordered)

    async def unaddressed(self, most: int, after: int = 0) -> tuple[Noted, ...]:
        """Of which nobody has said yet who is to hear of it, oldest first; those after the one with this id."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_UNADDRESSED, {"after": after, "most": most})).mappings().all()
        return tuple(Noted(row["id"], load(row["state"], News), row["noted_at"], row["version"]) for row in rows)

    async def address(self, addressed: Iterable[Addressed]) -> None:
        """Who is to hear of what, and in which message. What another replica has addressed stays so.

        What has changed meanwhile, its author perhaps, is left for the next round.
        """
        async with self._database.begin() as connection:
            for one in addressed:
                decided = {"this": one.id, "known": one.version, "addressed": one.complete}
                if (await connection.execute(_ADDRESSED, decided)).rowcount != 1:
                    continue
                if one.user:
                    told = load((await connection.execute(_TOLD, {"id": one.id})).scalar_one(), News)
                    if told.user != one.user:
                        state = dump(replace(told, user=one.user))
                        await connection.execute(_CHANGED_THIS, {"this": one.id, "state": state})
                rows = [{"news_id": one.id, "channel": where, "bundle": id} for where, id in one.bundles.items()]
                if rows:  # one that was addressed again is told where it was told before
                    await connection.execute(_PLACED.on(connection), rows)

    async def room(self, prefix: str, channel: str, since: float) -> tuple[str, int, float]:
        """The newest bundle of this kind there that was begun since then, how much is in it, and when it was begun.

        "" where there is none.
        """
        named = {"channel": channel, "prefix": escaped(prefix), "since": since}
        async with self._database.reading() as connection:
            found = (await connection.execute(_ROOM, named)).one_or_none()
        return (found[0], found[1], found[2]) if found else ("", 0, 0.0)

    async def stale(
        self, most: int, *, only: str = "", without: str = "", to_people: bool | None = None
    ) -> tuple[NewsBundle, ...]:
        """The messages that do not show what they should; `only` and `without` are what their ids begin with.

        `to_people`: only direct messages, or (False) only others.
        """
        behind = _behind(only=bool(only), without=bool(without), to_people=to_people)
        named = {"only": escaped(only), "without": escaped(without), "most": most}
        async with self._database.reading() as connection:
            found = (await connection.execute(behind, named)).all()
            return tuple([await self._bundle(connection, *one) for one in found])

    async def shown(self, bundle: NewsBundle) -> None:
        """It is on its way to showing these versions: the outbox sees to it."""
        by_version: dict[int, list[int]] = {}
        for id, version in bundle.versions.items():
            by_version.setdefault(version, []).append(id)
        async with self._database.begin() as connection:
            for version, ids in by_version.items():
                mine = {"of": bundle.id, "at": bundle.channel, "these": ids}
                await connection.execute(_SHOWN, {**mine, "shown": version})

    async def forget(self, before: float, unless_open: str = "") -> int:
        """Drops what was noted before then, but for what goes on of one kind; the facts stay. How many."""
        old = (news.c.noted_at < before) & ~((news.c.event == unless_open) & (news.c.environment == ""))
        async with self._database.begin() as connection:
            await connection.execute(notices.delete().where(notices.c.news_id.in_(sa.select(news.c.id).where(old))))
            return int((await connection.execute(news.delete().where(old))).rowcount)

    async def _bundle(self, connection: AsyncConnection, id: str, channel: str) -> NewsBundle:
        rows = (await connection.execute(_BUNDLE, {"bundle": id, "channel": channel})).all()
        return NewsBundle(id, channel, tuple(load(row[2], News) for row in rows), {row[0]: row[1] for row in rows})


@cache
def _behind(*, only: bool, without: bool, to_people: bool | None) -> sa.Select[str, str]:
    """The messages that do not show what they should, one after the other from each place."""
    query = sa.select(notices.c.bundle, notices.c.channel).join(news, news.c.id == notices.c.news_id)
    query = query.where(notices.c.shown != news.c.version)
    if only:
        query = query.where(notices.c.bundle.startswith(sa.bindparam("only"), escape="/"))
    if without:
        query = query.where(~notices.c.bundle.startswith(sa.bindparam("without"), escape="/"))
    if to_people is not None:
        personal = sa.func.substr(notices.c.channel, 1, 1).in_(PEOPLE)
        query = query.where(personal if to_people else ~personal)
    of_each = query.distinct().subquery()
    turn = sa.func.row_number().over(partition_by=of_each.c.channel, order_by=of_each.c.bundle)
    return sa.select(of_each).order_by(turn, of_each.c.channel).limit(limit())
