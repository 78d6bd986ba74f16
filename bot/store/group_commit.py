"""Writes that come together share one transaction: a disk takes as long for a hundred rows as for one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
MOST = 500
"""in one transaction"""


class GroupCommit(Generic[T, R]):
    """`write` puts rows down in one transaction, and says of each what came of it. What comes meanwhile is the next
    group.

    `gather`: seconds that a group is given to grow before it is written. `withdraw` hears of rows whose sender was told
    that they are not there, and which may be: nobody waited for them any longer, or the write ended in an error.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        withdraw: Callable[[Sequence[T]], None],
        gather: float = 0.0,
    ) -> None:
        self._write = write
        self._withdraw = withdraw
        self._gather = gather
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, row: T) -> R:
        """What came of it. Raises what `write` raises."""
        put_down: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, put_down))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        try:
            return await put_down
        except asyncio.CancelledError:
            if not put_down.cancelled():  # the answer was there, and was not read
                self._withdraw([row])
            raise

    async def _flush(self) -> None:
        while self._waiting:
            if self._gather:
                await asyncio.sleep(self._gather)
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            group = [(row, put_down) for row, put_down in group if not put_down.done()]
            if not group:
                continue  # to the database, no rows are a row of defaults
            try:
                results = await self._write([row for row, _ in group])
            except Exception as error:  # noqa: BLE001 (whoever waits gets it)
                self._withdraw([row for row, _ in group])
                for _, put_down in group:
                    if not put_down.done():
                        put_down.set_exception(error)
                continue
            late = [row for row, put_down in group if put_down.done()]
            for (_, put_down), result in zip(group, results, strict=True):
                if not put_down.done():
                    put_down.set_result(result)
            self._withdraw(late)
