"""A queue in a table: each row is worked on by one replica at a time, until it is settled.

Times are seconds since the epoch. The outbox, what other systems tell us, and what people ask are such queues.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from bot.store.database import Database

PENDING, DONE, DEAD = "pending", "done", "dead"
ERROR_LENGTH = 1000


class LeasedQueue:
    """`table` has `id`, `state`, `due_at`, `leased_until`, `tries` and `error`; the oldest is the first by `order`."""

    def __init__(self, database: Database, table: sa.Table, order: sa.Column[Any]) -> None:
        self._database = database
        self._table = table
        self._order = order

    @property
    def pending(self) -> sa.ColumnElement[bool]:
        return self._table.c.state == PENDING

    async def due(
        self,
        now: float,
        limit: int | None = None,
        *,
        about: Sequence[sa.Column[Any]] = (),
        holding: sa.ColumnElement[bool] | None = None,
        lane: sa.Column[Any] | None = None,
        busy: Collection[Any] = (),
    ) -> Sequence[Mapping[str, Any]]:
        """The oldest that may be tried now and that nobody has leased; with `about`, one for each value of those.

        `holding`: which rows keep those behind them about the same waiting, also while they may not be tried; all of
        them, where it is left out. `lane`: of these, one for each value of that column that is not in `busy`.
        """
        table = self._table
        ready: sa.ColumnElement[bool] = self.pending & (table.c.due_at <= now) & (table.c.leased_until <= now)
        first = sa.select(sa.func.min(table.c.id))
        if about:
            in_front = self.pending if holding is None else self.pending & ((table.c.due_at <= now) | holding)
            ready &= table.c.id.in_(first.where(in_front).group_by(*about))
        if lane is not None:
            ready = table.c.id.in_(first.where(ready, lane.not_in(busy)).group_by(lane))
        query = sa.select(table).where(ready)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(self._order).limit(limit))).mappings()
            return [dict(row) for row in rows]

    async def lease(self, id: int | str, tries: int, now: float, seconds: float) -> bool:
        """Whether this process may try it: nobody else does for so long. `tries` were begun when it was read.

        The try counts before it is made: a process may die in it.
        """
        table = self._table
        free = (table.c.id == id) & self.pending & (table.c.leased_until <= now) & (table.c.tries == tries)
        values = {"leased_until": now + seconds, "tries": table.c.tries + 1}
        return await self._change(table.update().where(free).values(values)) == 1

    async def renew(self, ids: Iterable[int | str], until: float) -> None:
        """The process that works on them does so for longer."""
        table = self._table
        await self._change(table.update().where(table.c.id.in_(list(ids)), self.pending).values(leased_until=until))

    async def release_all(self) -> None:
        """After a start: where there is only one replica, what was leased is nobody's."""
        if self._database.sqlite:
            await self._change(self._table.update().where(self.pending).values(leased_until=0))

    async def settle(self, ids: Iterable[int | str], state: str = DONE, error: str = "", **values: object) -> None:
        """`state` is DONE or another one that is not PENDING; `values`: what is forgotten with it."""
        table = self._table
        settled = {"state": state, "error": error[:ERROR_LENGTH], "leased_until": 0, **values}
        await self._change(table.update().where(table.c.id.in_(list(ids))).values(settled))

    async def again(self, id: int | str, due_at: float, error: str) -> None:
        values = {"due_at": due_at, "error": error[:ERROR_LENGTH], "leased_until": 0}
        await self._change(self._table.update().where(self._table.c.id == id).values(values))

    async def forget(self, *which: sa.ColumnElement[bool]) -> int:
        """Drops those, unless they are pending; how many."""
        return await self._change(self._table.delete().where(~self.pending, *which))

    async def _change(self, statement: sa.Executable) -> int:
        async with self._database.begin() as connection:
            return int((await connection.execute(statement)).rowcount)
