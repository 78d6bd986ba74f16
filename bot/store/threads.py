"""Where it is said and what it shows: the messages that are kept current, and those that open a thread.

Times are seconds since the epoch. A card holds what it should show beside what it shows, so that an edit which was
lost with the process is made up for.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from bot.domain.caller import Target
from bot.domain.promotion import Phase
from bot.ports import Posted, Rendered
from bot.store.card_leases import UNSHARED, CardLeases, Lease
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.promotions import promotions
from bot.store.statements import Upsert, given, limit, unless_there

threads = sa.Table(
    "threads",
    metadata,
    sa.Column("promotion_id", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(255), primary_key=True),
    sa.Column("app", sa.String(255), nullable=False, server_default=""),
    sa.Column("environment", sa.String(64), nullable=False, server_default=""),
    sa.Column("place", sa.String(255), nullable=False, server_default=""),
    sa.Column("ts", sa.String(32), nullable=False, server_default=""),
    sa.Column("wanted", sa.Text, nullable=False, server_default=""),
    sa.Column("wanted_hash", sa.String(64), nullable=False, server_default=""),
    sa.Column("shown_hash", sa.String(64), nullable=False, server_default=""),
    sa.Column("due_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("leased_until", sa.Float, nullable=False, server_default="0"),
)
sa.Index("ix_threads_stale", threads.c.due_at, sqlite_where=threads.c.wanted_hash != threads.c.shown_hash,
         postgresql_where=threads.c.wanted_hash != threads.c.shown_hash)  # fmt: skip
sa.Index("ix_threads_ts", threads.c.ts)
STALE = sa.and_(threads.c.wanted_hash != threads.c.shown_hash, threads.c.wanted != "")
"""Earlier versions left rows without a word to show: copies that were posted just when all was over."""
KEPT_FOR = 180 * 86_400.0
"""seconds for which a message that no longer changes can still be edited, and asked what it tells of"""
_OF = threads.c.promotion_id == sa.bindparam("of")
_THIS = _OF & (threads.c.channel == sa.bindparam("at"))
_THREAD = sa.select(threads).where(_THIS)
_SHOWING = sa.select(threads).where(_OF).order_by(threads.c.channel)
_STALE = (
    sa.select(*(column for column in threads.c if column is not threads.c.wanted))
    .where(STALE, threads.c.due_at <= sa.bindparam("now", type_=sa.Float))
    .order_by(threads.c.due_at)
    .limit(limit())
)
_TOLD_AT = sa.select(threads.c.app, threads.c.environment).where(given(threads.c.ts, threads.c.place)).limit(1)
_WANTED = unless_there(threads, threads.c.place, threads.c.ts)
_WANTED_AGAIN = (
    threads.update()
    .where(_THIS)
    .values(
        due_at=sa.case(
            (threads.c.ts == "", sa.bindparam("first", type_=sa.Float)), else_=sa.bindparam("now", type_=sa.Float)
        )
    )
    .returning(threads.c.place, threads.c.ts, threads.c.shown_hash)
)
_DISPLACED = threads.update().where(_THIS).values(place="", ts="", shown_hash="")
_GIVEN_UP = threads.update().where(_OF, threads.c.ts == "")
_POSTPONED = (
    threads.update().where(_THIS, threads.c.wanted_hash == sa.bindparam("still")).values(tries=threads.c.tries + 1)
)

FIRST_POST = 45.0
"""seconds after which a card that nobody posted is posted by whoever sees it"""


@dataclass(frozen=True)
class Thread:
    """A promotion's card or first notice in one channel; `place` is empty until it is posted."""

    promotion: str
    channel: str
    place: Posted | None
    wanted: Rendered | None = None
    wanted_hash: str = ""
    shown_hash: str = ""
    tries: int = 0
    new: bool = False

    @property
    def stale(self) -> bool:
        return self.wanted_hash != self.shown_hash


class ThreadStore:
    """`changed` is set whenever one may not show what it should."""

    def __init__(self, database: Database, changed: asyncio.Event) -> None:
        self._database = database
        self._leases = CardLeases(database, threads)
        self._changed = changed

    def alone(self, promotion: str, channel: str) -> AbstractAsyncContextManager[Lease]:
        """As `CardLeases.alone`."""
        return self._leases.alone(promotion, channel)

    async def want(
        self,
        promotion: str,
        channel: str,
        card: Rendered,
        now: float,
        given: float = FIRST_POST,
        about: Target | None = None,
    ) -> Thread:
        """From now on the card should show this. The first post is the caller's, who is given so many seconds;
        `about` None leaves what it is about as it is.

        `new` on the thread says that nobody can have posted it before.
        """
        body = dump(card)
        values: dict[str, Any] = {"wanted": body, "wanted_hash": hashed(body), "tries": 0, **_telling(about)}
        first = now + given
        key = {"promotion_id": promotion, "channel": channel}
        again = {**values, "of": promotion, "at": channel, "first": first, "now": now}
        new = None
        async with self._database.begin() as connection:
            old = (await connection.execute(_WANTED_AGAIN, again)).one_or_none()
            if old is None:
                new = (
                    await connection.execute(_WANTED.on(connection), {**key, **values, "due_at": first})
                ).one_or_none()
            if old is None and new is None:  # another replica was faster
                old = (await connection.execute(_WANTED_AGAIN, again)).one()
        self._changed.set()
        place, ts, shown = old or ("", "", "")
        at = Posted(place, ts) if ts else None
        return Thread(promotion, channel, at, card, values["wanted_hash"], shown, new=new is not None)

    async def thread(self, promotion: str, channel: str) -> Thread | None:
        rows = await self._all(_THREAD, {"of": promotion, "at": channel})
        return _thread(rows[0]) if rows else None

    async def about(self, places: Iterable[Posted]) -> Target:
        """What the first message that we posted at one of the places tells of, where that is known.

        By where it stands, which Slack signs; what is written on it may be anybody's.
        """
        for place in places:
            for row in await self._all(_TOLD_AT, {"ts": place.ts, "place": place.channel}):
                if (told := Target(row["app"], row["environment"])) != Target():
                    return told
        return Target()

    async def want_if_new(self, thread: Thread, message: Rendered, now: float) -> None:
        """As `want`, for a message that is there; nothing where it is to show just this already."""
        if hashed(dump(message)) != thread.wanted_hash:
            await self.want(thread.promotion, thread.channel, message, now, given=0.0)

    async def showing(self, promotion: str) -> tuple[Thread, ...]:
        """Its messages in every channel."""
        return tuple(_thread(row) for row in await self._all(_SHOWING, {"of": promotion}))

    async def displaced(self, thread: Thread) -> None:
        """It was removed from where it was: it is to be posted again."""
        await self._change(_DISPLACED, {"of": thread.promotion, "at": thread.channel})

    async def give_up_unplaced(self, promotion: str, message: Rendered) -> None:
        """What is not posted is no longer posted; what is being posted just now is edited to this as soon as it is."""
        body = dump(message)
        last = {"wanted": body, "wanted_hash": hashed(body), "shown_hash": hashed(body)}
        await self._change(_GIVEN_UP, {"of": promotion, **last})

    async def stale(self, now: float, limit: int) -> tuple[Thread, ...]:
        """The cards that do not show what they should, and may be tried now; what they should is left out: whoever
        tries one reads it then, and a look at a hundred of them would read it a hundred times.
        """
        return tuple(_thread(row) for row in await self._all(_STALE, {"now": now, "most": limit}))

    async def placed(
        self,
        promotion: str,
        channel: str,
        posted: Posted,
        shown_hash: str = "",
        lease: Lease = UNSHARED,
        about: Target | None = None,
    ) -> None:
        """It is there, and shows this.

        Where the lease has run out meanwhile, nobody knows which of two edits came last: then it is edited once more.
        """
        key = {"promotion_id": promotion, "channel": channel}
        values = {"place": posted.channel, "ts": posted.ts, "shown_hash": shown_hash, "tries": 0, **_telling(about)}
        placed = _placed(tuple(values), leased=bool(lease.until))
        async with self._database.begin() as connection:
            await connection.execute(placed.on(connection), {**key, **values, "mine": lease.until})

    async def postpone(self, thread: Thread, due_at: float) -> None:
        """Not before then, unless it is to show something else meanwhile."""
        same = {"of": thread.promotion, "at": thread.channel, "still": thread.wanted_hash}
        await self._change(_POSTPONED, {**same, "due_at": due_at})

    async def forget(self, before: float, speaking: sa.Select[tuple[str]]) -> None:
        """Drops what is known of messages that have not changed for `KEPT_FOR` before then. They stay in Slack.

        What a promotion in progress shows is kept, and the messages of `speaking`: something is to be said below them.
        """
        await self._change(_unchanged_since(before - KEPT_FOR, speaking))

    async def _change(self, statement: sa.Executable, named: Mapping[str, object] | None = None) -> None:
        async with self._database.begin() as connection:
            await connection.execute(statement, named)

    async def _all(
        self, query: sa.Select[Any], named: Mapping[str, object] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        async with self._database.reading() as connection:
            return [dict(row) for row in (await connection.execute(query, named)).mappings()]


@cache
def _placed(columns: tuple[str, ...], *, leased: bool) -> Upsert:
    def finish(insert: Any) -> Any:
        values = {name: insert.excluded[name] for name in columns}
        if leased:
            mine = threads.c.leased_until == sa.bindparam("mine")
            values["shown_hash"] = sa.case((mine, insert.excluded.shown_hash), else_="")
            values["leased_until"] = sa.case((mine, sa.literal(0.0)), else_=threads.c.leased_until)
        return insert.on_conflict_do_update(index_elements=["promotion_id", "channel"], set_=values)

    return Upsert(threads, finish)


def _unchanged_since(then: float, speaking: sa.Select[tuple[str]]) -> sa.Delete:
    """Slack's timestamps begin with the ten digits of the seconds: they compare as texts."""
    in_progress = sa.select(promotions.c.id).where(promotions.c.phase.not_in([one for one in Phase if one.final]))
    return threads.delete().where(
        ~STALE,
        threads.c.ts < f"{then:.6f}",
        threads.c.due_at < then,
        threads.c.leased_until < then,
        threads.c.promotion_id.not_in(in_progress),
        threads.c.promotion_id.not_in(speaking),
    )


def hashed(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _telling(about: Target | None) -> dict[str, str]:
    """Nothing where the caller does not say: then what is known of the message stays."""
    return {"app": about.app[:255], "environment": about.environment[:64]} if about else {}


def _thread(row: Mapping[str, Any]) -> Thread:
    return Thread(
        row["promotion_id"],
        row["channel"],
        Posted(row["place"], row["ts"]) if row["ts"] else None,
        load(row["wanted"], Rendered) if row.get("wanted") else None,
        row["wanted_hash"],
        row["shown_hash"],
        row["tries"],
    )
