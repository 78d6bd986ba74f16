"""What people ask through Slack: noted before it is acknowledged, and worked on from here, once (S10, S11).

Times are seconds since the epoch. What a request said is forgotten when it is settled; that it came is kept for a
while, so that a second delivery has no effect.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.domain.errors import DatabaseSlow
from bot.ports import Request, RequestLog
from bot.store.database import Database, metadata
from bot.store.group_commit import MOST, GroupCommit
from bot.store.leased_queue import DONE, PENDING, LeasedQueue
from bot.store.outage import Outage

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False, server_default=""),
    sa.Column("body", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.String(8), nullable=False, server_default="done"),
    sa.Column("due_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("leased_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
)
sa.Index("ix_requests_pending", requests.c.due_at, sqlite_where=requests.c.state == PENDING,
         postgresql_where=requests.c.state == PENDING)  # fmt: skip

_TAKEN_BACK = (
    requests.update()
    .where(requests.c.id == sa.bindparam("of"), requests.c.due_at == sa.bindparam("came"), requests.c.state == PENDING)
    .values(state=DONE, body="", error="withdrawn")
)

KEPT_FOR = timedelta(days=2)
NOTED_SECONDS = 2.0
"""for a request to be put down: Slack waits three for its acknowledgement (S10)"""
SETTLED_TOGETHER = 0.2
"""seconds in which what is done is written down at once: nobody waits for it, and each write keeps notes waiting"""
LEASE = 15.0
"""seconds after which another replica takes a request over, unless who works on it says that it still does"""


class RequestStore(RequestLog):
    """`patience`: seconds that a note may take."""

    def __init__(self, database: Database, patience: float = NOTED_SECONDS) -> None:
        self._database = database
        self._queue = LeasedQueue(database, requests, requests.c.due_at)
        self._notes = GroupCommit(self._put_down, self._withdraw)
        self._settled = GroupCommit(self._settle, _nothing, SETTLED_TOGETHER)
        self._patience = patience
        self._refused: list[tuple[str, float]] = []
        """by id and time, the requests whose senders heard that they are not taken, and that may have been put down"""
        self._outage = Outage("asked in time to note a request")
        # The rows apart from the statement, so that it is compiled once.
        self._noting = database.insert(requests).on_conflict_do_nothing().returning(requests.c.id)

    async def note(self, request: Request) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                new = await self._notes.add(request)
        except TimeoutError as error:
            raise DatabaseSlow(*self._outage.begin(error).args) from error
        self._outage.end()
        return new

    async def take(self, now: float, limit: int) -> tuple[Request, ...]:
        await self._take_back()
        if limit <= 0:
            return ()
        due = [_request(row) for row in await self._queue.due(now, limit)]
        mine = [one for one in due if await self._queue.lease(one.id, one.tries, now, LEASE)]
        return tuple(replace(one, tries=one.tries + 1) for one in mine)

    async def renew(self, ids: Iterable[str], now: float) -> None:
        await self._queue.renew(ids, now + LEASE)

    async def settle(self, id: str) -> None:
        await self._settled.add(id)

    async def release(self, ids: Iterable[str] | None = None) -> None:
        await self._take_back()
        if ids is None:
            await self._queue.release_all()
        else:
            await self._queue.renew(ids, 0)

    async def oldest(self) -> tuple[int, float | None]:
        """How many wait or are worked on, and when the oldest of them came."""
        query = sa.select(sa.func.count(), sa.func.min(requests.c.due_at)).where(self._queue.pending)
        async with self._database.reading() as connection:
            count, since = (await connection.execute(query)).one()
        return count, since

    async def forget_old(self, now: datetime) -> int:
        """Drop the ones that no system repeats by now."""
        return await self._queue.forget(requests.c.at < now - KEPT_FOR)

    async def _put_down(self, group: Sequence[Request]) -> Sequence[bool]:
        """One insert for all of them; whether each is there for the first time."""
        rows = {one.id: _row(one) for one in reversed(group)}
        async with self._database.begin(urgent=True) as connection:
            new = set((await connection.execute(self._noting, list(rows.values()))).scalars())
        first = [one.id not in {other.id for other in group[:index]} for index, one in enumerate(group)]
        return [one.id in new and unseen for one, unseen in zip(group, first, strict=True)]

    def _withdraw(self, refused: Sequence[Request]) -> None:
        """People have heard that these are not taken: so they are not. The next look sees to it, as often as needed."""
        self._refused += [(one.id, one.at) for one in refused]

    async def _take_back(self) -> None:
        """Of two deliveries of a request only the one that was refused. Raises DatabaseAway."""
        while some := self._refused[:MOST]:
            async with self._database.begin() as connection:
                await connection.execute(_TAKEN_BACK, [{"of": id, "came": at} for id, at in some])
            self._refused = self._refused[len(some) :]

    async def _settle(self, group: Sequence[str]) -> Sequence[None]:
        await self._queue.settle(group, body="")
        return [None] * len(group)


def _nothing(_settled: Sequence[str]) -> None:
    """What is settled is settled, whether somebody waits for that or not; what is not is settled again."""


def _row(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "at": datetime.fromtimestamp(request.at, UTC),
        "kind": request.kind,
        "body": request.body,
        "state": PENDING,
        "due_at": request.at,
        "leased_until": request.at + LEASE,
        "tries": 1,
    }


def _request(row: Any) -> Request:
    return Request(row["id"], row["kind"], row["body"], row["due_at"], row["tries"])
