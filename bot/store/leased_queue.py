"""A queue in a table: each row is worked on by one replica at a time, until it is settled.

Times are seconds since the epoch. The outbox, what other systems tell us, and what people ask are such queues.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.statements import among, limit

PENDING, DONE, DEAD = "pending", "done", "dead"
ERROR_LENGTH = 1000
EVERY = 2**63 - 1
"""of those that are due"""


class QueueTable:
    """`table` has `id`, `state`, `due_at`, `leased_until`, `tries` and `error`; the oldest is the first by `order`.

    `about`: one row is due for each value of those. `holding`: which rows keep those behind them about the same
    waiting, also while they may not be tried; all of them, where it is left out. `lane`: of these, one for each value
    of that column that is not in `busy`.
    """

    def __init__(
        self,
        table: sa.Table,
        order: sa.Column[Any],
        *,
        about: Sequence[sa.Column[Any]] = (),
        holding: sa.ColumnElement[bool] | None = None,
        lane: sa.Column[Any] | None = None,
    ) -> None:
        self.table = table
        self.pending = table.c.state == PENDING
        due = table.c.due_at <= sa.bindparam("now")
        free = self.pending & (table.c.leased_until <= sa.bindparam("now"))
        this = table.c.id == sa.bindparam("this")
        these = among(table.c.id, "these")
        first = sa.select(sa.func.min(table.c.id))
        ready: sa.ColumnElement[bool] = free & due
        if about:
            in_front = self.pending if holding is None else self.pending & (due | holding)
            ready &= table.c.id.in_(first.where(in_front).group_by(*about))
        if lane is not None:
            passable = lane.not_in(sa.bindparam("busy", expanding=True))
            ready = table.c.id.in_(first.where(ready, passable).group_by(lane))
        self.due = sa.select(table).where(ready).order_by(order).limit(limit())
        self.lease = (
            table.update().where(this, free, table.c.tries == sa.bindparam("begun")).values(tries=table.c.tries + 1)
        )
        self.renew = table.update().where(these, self.pending)
        self.release = table.update().where(self.pending)
        self.settle = table.update().where(these)
        self.again = table.update().where(this)


class LeasedQueue:
    def __init__(self, database: Database, queue: QueueTable) -> None:
        self._database = database
        self._queue = queue

    async def due(self, now: float, limit: int = EVERY, **named: object) -> Sequence[Mapping[str, Any]]:
        """The oldest that may be tried now and that nobody has leased. `named`: what the table's conditions name."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(self._queue.due, {"now": now, "most": limit, **named})).mappings()
            return [dict(row) for row in rows]

    async def lease(self, id: int | str, tries: int, now: float, seconds: float) -> bool:
        """Whether this process may try it: nobody else does for so long. `tries` were begun when it was read.

        The try counts before it is made: a process may die in it.
        """
        named = {"this": id, "begun": tries, "now": now, "leased_until": now + seconds}
        return await self._change(self._queue.lease, named) == 1

    async def renew(self, ids: Iterable[int | str], until: float) -> None:
        """The process that works on them does so for longer."""
        await self._change(self._queue.renew, {"these": list(ids), "leased_until": until})

    async def release_all(self) -> None:
        """After a start: where there is only one replica, what was leased is nobody's."""
        if self._database.sqlite:
            await self._change(self._queue.release, {"leased_until": 0})

    async def settle(self, ids: Iterable[int | str], state: str = DONE, error: str = "", **values: object) -> None:
        """`state` is DONE or another one that is not PENDING; `values`: what is forgotten with it."""
        settled = {"state": state, "error": error[:ERROR_LENGTH], "leased_until": 0, **values}
        await self._change(self._queue.settle, {"these": list(ids), **settled})

    async def again(self, id: int | str, due_at: float, error: str) -> None:
        values = {"due_at": due_at, "error": error[:ERROR_LENGTH], "leased_until": 0}
        await self._change(self._queue.again, {"this": id, **values})

    async def forget(self, *which: sa.ColumnElement[bool]) -> int:
        """Drops those, unless they are pending; how many."""
        return await self._change(self._queue.table.delete().where(~self._queue.pending, *which))

    async def _change(self, statement: sa.Executable, named: Mapping[str, object] | None = None) -> int:
        async with self._database.begin() as connection:
            return int((await connection.execute(statement, named)).rowcount)
