"""What people ask through Slack: noted before it is acknowledged, and worked on from here, once (S10, S11).

Times are seconds since the epoch. What a request said is forgotten when it is settled; that it came is kept for a
while, so that a second delivery has no effect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.domain.errors import DatabaseAway, DatabaseInDoubt, DatabaseSlow
from bot.ports import Request, RequestLog
from bot.store.database import Database, metadata
from bot.store.group_commit import MOST, GroupCommit, WriteGroup, WriteInDoubt
from bot.store.leased_queue import DONE, PENDING, LeasedQueue, QueueTable
from bot.store.outage import Outage, had_no_effect
from bot.store.statements import Upsert

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

WITHDRAWN = "withdrawn"
SUBMISSION = "submission"
"""of a form that stays open when it is not taken, and is the same request when it is submitted again (S17)"""

KEPT_FOR = timedelta(days=2)
NOTED_SECONDS = 2.0
"""for a request to be put down: Slack waits three for its acknowledgement (S10)"""
SETTLED_TOGETHER = 0.2
"""seconds in which what is done is written down at once: nobody waits for it, and each write keeps notes waiting"""
LEASE = 15.0
"""seconds after which another replica takes a request over, unless who works on it says that it still does"""


def _noted(insert: Any) -> Any:
    """A form that was not taken may be submitted again: later than what was withdrawn. What is not later is just that,
    still on its way.
    """
    again = (
        (requests.c.error == WITHDRAWN) & (requests.c.kind == SUBMISSION) & (requests.c.due_at < insert.excluded.due_at)
    )
    taken = {
        name: insert.excluded[name] for name in ("at", "body", "state", "due_at", "leased_until", "tries", "error")
    }
    conflict = insert.on_conflict_do_update(index_elements=[requests.c.id], set_=taken, where=again)
    return conflict.returning(requests.c.id)


def _fenced(insert: Any) -> Any:
    """Where a row is, only the delivery that it is of, while nobody else has begun it; said again, it is told again."""
    ours = (requests.c.due_at == insert.excluded.due_at) & (requests.c.state == PENDING) & (requests.c.tries == 1)
    before = (requests.c.error == WITHDRAWN) & (requests.c.due_at <= insert.excluded.due_at)
    withdrawn = {name: insert.excluded[name] for name in ("body", "state", "due_at", "leased_until", "error")}
    conflict = insert.on_conflict_do_update(index_elements=[requests.c.id], set_=withdrawn, where=ours | before)
    return conflict.returning(requests.c.id)


_QUEUE = QueueTable(requests, requests.c.due_at)
_WAITING = sa.select(sa.func.count(), sa.func.min(requests.c.due_at)).where(_QUEUE.pending)
_NOTED, _FENCED = Upsert(requests, _noted), Upsert(requests, _fenced)


class RequestStore(RequestLog):
    """`patience`: seconds that a note may take."""

    def __init__(self, database: Database, patience: float = NOTED_SECONDS) -> None:
        self._database = database
        self._queue = LeasedQueue(database, _QUEUE)
        self._notes = GroupCommit(self._put_down)
        self._settled = GroupCommit(self._settle, SETTLED_TOGETHER)
        self._patience = patience
        self._in_doubt: list[Request] = []
        """those whose senders heard that nobody knows whether they are taken"""
        self._not_done: list[Request] = []
        """those of them of which it is known by now, and not yet told"""
        self._outage = Outage("asked in time to note a request")

    async def note(self, request: Request) -> bool:
        try:
            new = await self._notes.add(request, self._patience)
        except TimeoutError as error:
            raise DatabaseSlow(*self._outage.begin(error).args) from error
        except WriteInDoubt as error:
            self._in_doubt.append(request)
            away = error.__cause__ if isinstance(error.__cause__, DatabaseAway) else self._outage.begin(error)
            raise DatabaseInDoubt(*away.args) from error
        self._outage.end()
        return new

    async def resolve(self) -> tuple[Request, ...]:
        """By a row that says so: where it is there first, what may still be on its way has no effect."""
        while some := _one_each(self._in_doubt[:MOST]):
            async with self._database.begin() as connection:
                fenced = set(
                    (await connection.execute(_FENCED.on(connection), [_fence(one) for one in some])).scalars()
                )
            self._not_done += [one for one in some if one.id in fenced]
            self._in_doubt = [one for one in self._in_doubt if one not in some]
        not_done, self._not_done = tuple(self._not_done), []
        return not_done

    async def take(self, now: float, limit: int) -> tuple[Request, ...]:
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
        if ids is None:
            await self._queue.release_all()
        else:
            await self._queue.renew(ids, 0)

    async def oldest(self) -> tuple[int, float | None]:
        """How many wait or are worked on, and when the oldest of them came."""
        async with self._database.reading() as connection:
            count, since = (await connection.execute(_WAITING)).one()
        return count, since

    async def forget_old(self, now: datetime) -> int:
        """Drop the ones that no system repeats by now."""
        return await self._queue.forget(requests.c.at < now - KEPT_FOR)

    async def _put_down(self, group: WriteGroup[Request, bool]) -> Sequence[bool]:
        """One insert for all of them; whether each is there for the first time."""
        try:
            async with self._database.begin(urgent=True) as connection:
                asked = group.hand_over()
                rows = {one.id: _row(one) for one in reversed(asked)}
                noted = await connection.execute(_NOTED.on(connection), list(rows.values())) if rows else None
                new = set(noted.scalars()) if noted else set()
        except Exception as error:
            if group.handed and not had_no_effect(error.__cause__ if isinstance(error, DatabaseAway) else error):
                raise WriteInDoubt(str(error)) from error
            raise
        first = [one.id not in {other.id for other in asked[:index]} for index, one in enumerate(asked)]
        return [one.id in new and unseen for one, unseen in zip(asked, first, strict=True)]

    async def _settle(self, group: WriteGroup[str, None]) -> Sequence[None]:
        if ids := group.hand_over():
            await self._queue.settle(ids, body="")
        return [None] * len(ids)


def _one_each(some: Sequence[Request]) -> tuple[Request, ...]:
    """The first delivery of each: no statement may change a row twice."""
    return tuple({one.id: one for one in reversed(some)}.values())


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
        "error": "",
    }


def _fence(request: Request) -> dict[str, Any]:
    return {**_row(request), "body": "", "state": DONE, "leased_until": 0.0, "error": WITHDRAWN}


def _request(row: Any) -> Request:
    return Request(row["id"], row["kind"], row["body"], row["due_at"], row["tries"])
