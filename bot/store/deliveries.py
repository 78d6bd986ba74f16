"""The delivery record: facts, which are only ever added, and how far each observer has read."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.delivery import KINDS, Fact
from bot.domain.source_range import COMMITS
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import among, given, limit, replacing, unless_there

VERSION = 1
"""of the details' JSON; raise it with whoever reads the older one"""
AT_ONCE = 500
PAUSE_AFTER = 500
"""facts that are read, for the event loop's sake"""
MOST_WAITING = 50_000
"""facts of commits that wait, the newest of them"""
BEGIN = ("committed", "synced-by-hand")
"""what a deployment begins with"""
KEY = 255
"""characters of a fact's key"""

facts = sa.Table(
    "delivery_facts",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(KEY), nullable=False, unique=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("app", sa.String(255), nullable=False),
    sa.Column("environment", sa.String(64), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("ix_delivery_facts_app_environment_at", "app", "environment", "at"),
    sa.Index("ix_delivery_facts_environment_at", "environment", "at"),
    sa.Index("ix_delivery_facts_kind_at", "kind", "at"),
)

positions = sa.Table(
    "delivery_positions",
    metadata,
    sa.Column("observer", sa.String(64), primary_key=True),
    sa.Column("position", sa.String(255), nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

_SINCE = facts.c.at >= sa.bindparam("since")
_KNOWN = sa.select(facts.c.key).where(among(facts.c.key, "keys"))
_ADDED = unless_there(facts)
_AFTER = sa.select(facts).where(facts.c.id > sa.bindparam("after")).order_by(facts.c.id).limit(limit())
_FIRST_SINCE = sa.select(sa.func.min(facts.c.id)).where(_SINCE)
_NEWEST = sa.select(sa.func.max(facts.c.at)).where(given(facts.c.kind))
_JUDGED = sa.select(facts).where(
    given(facts.c.app, facts.c.environment), _SINCE, facts.c.kind.in_([sa.literal("committed"), sa.literal("judged")])
)
_POSITION = sa.select(positions.c.position).where(given(positions.c.observer))
_HELD_POSITION = _POSITION.with_for_update()
_LOOKING_SINCE = sa.select(positions.c.since).where(given(positions.c.observer))
_MOVED = replacing(positions, ["observer"], "position")


def _has_commits() -> sa.ColumnElement[bool]:
    """Whether the commits of the deployment that a fact began are on record, by the key of that (`commits_key`)."""
    found = facts.alias()
    key = sa.func.substr(sa.literal(COMMITS).concat(facts.c.key), 1, KEY)
    return sa.exists().where(found.c.key == key)


def _judged_key(progress: str) -> sa.ColumnElement[str]:
    """Of the verdict on a commit's fact: "git:SHA:ENVIRONMENT:APP" → "judged:SHA:PROGRESS:ENVIRONMENT:APP"."""
    place = sa.literal(":").concat(facts.c.environment).concat(":").concat(facts.c.app)
    length = sa.func.length(facts.c.key) - len("git:") - sa.func.length(place)
    sha = sa.func.substr(facts.c.key, len("git:") + 1, length)
    return sa.literal("judged:").concat(sha).concat(f":{progress}").concat(place)


@cache
def _waiting(over: tuple[str, ...]) -> sa.Select[str, str]:
    commits = (facts.c.kind == "committed", _SINCE, among(facts.c.environment, "environments"))
    newest = sa.select(sa.func.max(facts.c.id)).where(*commits).group_by(facts.c.app, facts.c.environment)
    ends = facts.alias()
    ended = sa.exists().where(ends.c.key.in_([_judged_key(progress) for progress in over]))
    return sa.select(facts.c.app, facts.c.environment).where(facts.c.id.in_(newest), ~ended)


@cache
def _newest_first(*, app: bool, environment: bool, since: bool, most: bool) -> sa.Select[Any]:
    asked = [
        *([given(facts.c.app)] if app else []),
        *([given(facts.c.environment)] if environment else []),
        *([_SINCE] if since else []),
    ]
    query = sa.select(facts).where(*asked).order_by(facts.c.at.desc(), facts.c.id.desc())
    return query.limit(limit()) if most else query


def _latest(*of: sa.ColumnElement[bool]) -> sa.Select[Any]:
    newest = sa.select(sa.func.max(facts.c.id)).where(given(facts.c.kind), *of)
    return sa.select(facts).where(facts.c.id.in_(newest.group_by(facts.c.app, facts.c.environment)))


_BEGUN = sa.select(facts).where(given(facts.c.id), ~_has_commits())
_WITHOUT_COMMITS = (
    sa.select(facts.c.id)
    .where(facts.c.id > sa.bindparam("after"), facts.c.kind.in_(BEGIN), _SINCE, ~_has_commits())
    .order_by(facts.c.id.desc())
    .limit(limit())
)
_LATEST, _LATEST_OF = _latest(), _latest(among(facts.c.app, "apps"))
_OF_KINDS = sa.select(facts).where(among(facts.c.kind, "kinds"), _SINCE).order_by(facts.c.at, facts.c.id)
_OF_KINDS_AND_APP = _OF_KINDS.where(given(facts.c.app))
_ENVIRONMENTS = sa.select(facts.c.environment).where(facts.c.environment != "").distinct()


class DeliveryStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, connection: AsyncConnection, new: Iterable[Fact]) -> tuple[Fact, ...]:
        """In the caller's transaction; those of them that were not known."""
        wanted = list({fact.key[:KEY]: fact for fact in new}.values())
        added: list[Fact] = []
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            keys = [fact.key[:KEY] for fact in some]
            known = set((await connection.execute(_KNOWN, {"keys": keys})).scalars())
            unknown = [fact for fact in some if fact.key[:KEY] not in known]
            if unknown:
                await connection.execute(_ADDED.on(connection), [_row(one) for one in unknown])
            added += unknown
        return tuple(added)

    async def position(self, observer: str) -> str:
        """How far it has read; "" before its first look."""
        async with self._database.reading() as connection:
            return (await connection.execute(_POSITION, {"observer": observer})).scalar_one_or_none() or ""

    async def position_in(self, connection: AsyncConnection, observer: str) -> str:
        """As `position`. Nobody else moves it before the caller's transaction is over."""
        return (await connection.execute(_HELD_POSITION, {"observer": observer})).scalar_one_or_none() or ""

    async def known_since(self, observer: str) -> datetime | None:
        """When it first looked: of what was before, nothing is known. None where it has never looked."""
        async with self._database.reading() as connection:
            return _utc((await connection.execute(_LOOKING_SINCE, {"observer": observer})).scalar_one_or_none())

    async def move(self, connection: AsyncConnection, observer: str, position: str) -> None:
        await connection.execute(_MOVED.on(connection), {"observer": observer, "position": position})

    async def of(
        self, app: str = "", environment: str = "", since: datetime | None = None, most: int | None = None
    ) -> tuple[Fact, ...]:
        """Newest first, at most `most`; "" for every one."""
        query = _newest_first(app=bool(app), environment=bool(environment), since=bool(since), most=most is not None)
        named = {"app": app, "environment": environment, "since": since, "most": most}
        async with self._database.reading() as connection:
            return tuple(_fact(row) for row in (await connection.execute(query, named)).mappings())

    async def after(self, id: int, most: int) -> tuple[tuple[int, Fact], ...]:
        """Those that were written down after the one with this id, oldest first, with their ids."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_AFTER, {"after": id, "most": most})).mappings()
            return tuple((row["id"], _fact(row)) for row in rows)

    async def first_since(self, at: datetime) -> int:
        """The id of the oldest fact that happened since then; 0 where there is none."""
        async with self._database.reading() as connection:
            return (await connection.execute(_FIRST_SINCE, {"since": at})).scalar_one_or_none() or 0

    async def unjudged(self, environments: Iterable[str], since: datetime, over: Iterable[str]) -> tuple[Fact, ...]:
        """The commits since then, with what was judged of them, where the newest has not come to an end; oldest first.

        `over`: what ends one. Only what waits is read, by the keys of facts: the record keeps every commit for ever.
        """
        waiting, where = _waiting(tuple(over)), {"environments": list(environments), "since": since}
        rows: list[Any] = []
        async with self._database.reading() as connection:
            for app, environment in (await connection.execute(waiting, where)).all():
                there = {"app": app, "environment": environment, "since": since}
                rows += (await connection.execute(_JUDGED, there)).mappings().all()
        rows.sort(key=lambda row: row["id"])
        return await _gently(rows[-MOST_WAITING:])

    async def without_commits(self, after: int, since: datetime, most: int) -> tuple[int, ...]:
        """Ids of the facts since then that began deployments whose source commits nobody has looked up; oldest first.

        The newest `most` of them, of those that were written down after the one with the id `after`.
        """
        named = {"after": after, "since": since, "most": most}
        async with self._database.reading() as connection:
            return tuple(reversed((await connection.execute(_WITHOUT_COMMITS, named)).scalars().all()))

    async def begun(self, id: int) -> Fact | None:
        """The fact with this id, while nobody has looked up the source commits of its deployment."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_BEGUN, {"id": id})).mappings().one_or_none()
        return _fact(row) if row else None

    async def newest(self, kind: str) -> datetime | None:
        """When the newest of a kind happened; None where there is none."""
        async with self._database.reading() as connection:
            return _utc((await connection.execute(_NEWEST, {"kind": kind})).scalar_one_or_none())

    async def latest(self, kind: str, apps: Collection[str] = ()) -> tuple[Fact, ...]:
        """The newest of a kind, of each of these apps, () for all, in each environment."""
        query, named = (_LATEST_OF, {"kind": kind, "apps": sorted(apps)}) if apps else (_LATEST, {"kind": kind})
        async with self._database.reading() as connection:
            return tuple(_fact(row) for row in (await connection.execute(query, named)).mappings())

    async def of_kinds(self, kinds: Iterable[str], since: datetime, app: str = "") -> tuple[Fact, ...]:
        """Oldest first; "" for every app."""
        query, named = (_OF_KINDS_AND_APP if app else _OF_KINDS), {"kinds": list(kinds), "since": since, "app": app}
        async with self._database.reading() as connection:
            rows = (await connection.execute(query, named)).mappings().all()
        return await _gently(rows)

    async def environments(self) -> tuple[str, ...]:
        """Those that anything is recorded of."""
        async with self._database.reading() as connection:
            return tuple((await connection.execute(_ENVIRONMENTS)).scalars())


async def _gently(rows: Sequence[Any]) -> tuple[Fact, ...]:
    found: list[Fact] = []
    for number, row in enumerate(rows, 1):
        found.append(_fact(row))
        if number % PAUSE_AFTER == 0:
            await asyncio.sleep(0)
    return tuple(found)


def _row(fact: Fact) -> dict[str, Any]:
    return {
        "key": fact.key[:KEY],
        "kind": fact.kind,
        "version": VERSION,
        "app": fact.app[:255],
        "environment": fact.environment,
        "at": fact.at,
        "detail": dump(fact.detail),
    }


def _fact(row: Any) -> Fact:
    at = _utc(row["at"])
    assert at is not None
    return Fact(row["key"], at, row["app"], row["environment"], load(row["detail"], KINDS[row["kind"]]))


def _utc(at: datetime | None) -> datetime | None:
    """SQLite keeps no time zone."""
    return at.replace(tzinfo=UTC) if at and not at.tzinfo else at
