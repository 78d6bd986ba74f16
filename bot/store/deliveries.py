"""The delivery record: facts, which are only ever added, and how far each observer has read."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.delivery import KINDS, Fact
from bot.domain.source_range import COMMITS
from bot.store.codec import dump, load
from bot.store.database import Database, metadata

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


class DeliveryStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, connection: AsyncConnection, new: Iterable[Fact]) -> tuple[Fact, ...]:
        """In the caller's transaction; those of them that were not known."""
        wanted = list({fact.key[:KEY]: fact for fact in new}.values())
        added: list[Fact] = []
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            query = sa.select(facts.c.key).where(facts.c.key.in_([fact.key[:KEY] for fact in some]))
            known = set((await connection.execute(query)).scalars())
            unknown = [fact for fact in some if fact.key[:KEY] not in known]
            if unknown:
                await connection.execute(
                    self._database.insert(facts).on_conflict_do_nothing(), [_row(one) for one in unknown]
                )
            added += unknown
        return tuple(added)

    async def position(self, observer: str) -> str:
        """How far it has read; "" before its first look."""
        query = sa.select(positions.c.position).where(positions.c.observer == observer)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalar_one_or_none() or ""

    async def position_in(self, connection: AsyncConnection, observer: str) -> str:
        """As `position`. Nobody else moves it before the caller's transaction is over."""
        query = sa.select(positions.c.position).where(positions.c.observer == observer).with_for_update()
        return (await connection.execute(query)).scalar_one_or_none() or ""

    async def known_since(self, observer: str) -> datetime | None:
        """When it first looked: of what was before, nothing is known. None where it has never looked."""
        query = sa.select(positions.c.since).where(positions.c.observer == observer)
        async with self._database.reading() as connection:
            return _utc((await connection.execute(query)).scalar_one_or_none())

    async def move(self, connection: AsyncConnection, observer: str, position: str) -> None:
        row = self._database.insert(positions).values(observer=observer, position=position)
        kept = row.on_conflict_do_update(index_elements=["observer"], set_={"position": position})
        await connection.execute(kept)

    async def of(
        self, app: str = "", environment: str = "", since: datetime | None = None, most: int | None = None
    ) -> tuple[Fact, ...]:
        """Newest first, at most `most`; "" for every one."""
        query = sa.select(facts).order_by(facts.c.at.desc(), facts.c.id.desc()).limit(most)
        if app:
            query = query.where(facts.c.app == app)
        if environment:
            query = query.where(facts.c.environment == environment)
        if since:
            query = query.where(facts.c.at >= since)
        async with self._database.reading() as connection:
            return tuple(_fact(row) for row in (await connection.execute(query)).mappings())

    async def after(self, id: int, most: int) -> tuple[tuple[int, Fact], ...]:
        """Those that were written down after the one with this id, oldest first, with their ids."""
        query = sa.select(facts).where(facts.c.id > id).order_by(facts.c.id).limit(most)
        async with self._database.reading() as connection:
            return tuple((row["id"], _fact(row)) for row in (await connection.execute(query)).mappings())

    async def first_since(self, at: datetime) -> int:
        """The id of the oldest fact that happened since then; 0 where there is none."""
        query = sa.select(sa.func.min(facts.c.id)).where(facts.c.at >= at)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalar_one_or_none() or 0

    async def unjudged(self, environments: Iterable[str], since: datetime, over: Iterable[str]) -> tuple[Fact, ...]:
        """The commits since then, with what was judged of them, where the newest has not come to an end; oldest first.

        `over`: what ends one. Only what waits is read, by the keys of facts: the record keeps every commit for ever.
        """
        commits = (facts.c.kind == "committed", facts.c.at >= since, facts.c.environment.in_(list(environments)))
        newest = sa.select(sa.func.max(facts.c.id)).where(*commits).group_by(facts.c.app, facts.c.environment)
        ends = facts.alias()
        ended = sa.exists().where(ends.c.key.in_([_judged_key(progress) for progress in over]))
        waiting = sa.select(facts.c.app, facts.c.environment).where(facts.c.id.in_(newest), ~ended)
        kinds = facts.c.kind.in_(["committed", "judged"])
        rows: list[Any] = []
        async with self._database.reading() as connection:
            for app, environment in (await connection.execute(waiting)).all():
                there = (facts.c.app == app, facts.c.environment == environment, facts.c.at >= since)
                rows += (await connection.execute(sa.select(facts).where(*there, kinds))).mappings().all()
        rows.sort(key=lambda row: row["id"])
        return await _gently(rows[-MOST_WAITING:])

    async def without_commits(self, after: int, since: datetime, most: int) -> tuple[int, ...]:
        """Ids of the facts since then that began deployments whose source commits nobody has looked up; oldest first.

        The newest `most` of them, of those that were written down after the one with the id `after`.
        """
        begun = (facts.c.id > after, facts.c.kind.in_(BEGIN), facts.c.at >= since, ~_has_commits())
        query = sa.select(facts.c.id).where(*begun).order_by(facts.c.id.desc()).limit(most)
        async with self._database.reading() as connection:
            return tuple(reversed((await connection.execute(query)).scalars().all()))

    async def begun(self, id: int) -> Fact | None:
        """The fact with this id, while nobody has looked up the source commits of its deployment."""
        query = sa.select(facts).where(facts.c.id == id, ~_has_commits())
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return _fact(row) if row else None

    async def newest(self, kind: str) -> datetime | None:
        """When the newest of a kind happened; None where there is none."""
        query = sa.select(sa.func.max(facts.c.at)).where(facts.c.kind == kind)
        async with self._database.reading() as connection:
            return _utc((await connection.execute(query)).scalar_one_or_none())

    async def latest(self, kind: str, apps: Collection[str] = ()) -> tuple[Fact, ...]:
        """The newest of a kind, of each of these apps, () for all, in each environment."""
        newest = sa.select(sa.func.max(facts.c.id)).where(facts.c.kind == kind)
        if apps:
            newest = newest.where(facts.c.app.in_(sorted(apps)))
        newest = newest.group_by(facts.c.app, facts.c.environment)
        query = sa.select(facts).where(facts.c.id.in_(newest))
        async with self._database.reading() as connection:
            return tuple(_fact(row) for row in (await connection.execute(query)).mappings())

    async def of_kinds(self, kinds: Iterable[str], since: datetime, app: str = "") -> tuple[Fact, ...]:
        """Oldest first; "" for every app."""
        query = sa.select(facts).where(facts.c.kind.in_(list(kinds)), facts.c.at >= since)
        if app:
            query = query.where(facts.c.app == app)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(facts.c.at, facts.c.id))).mappings().all()
        return await _gently(rows)

    async def environments(self) -> tuple[str, ...]:
        """Those that anything is recorded of."""
        query = sa.select(facts.c.environment).where(facts.c.environment != "").distinct()
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars())


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
