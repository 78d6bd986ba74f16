"""Writes that come together share one transaction: a disk takes as long for a hundred rows as for one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
MOST = 500
"""in one transaction"""


class WriteInDoubt(Exception):
    """The row was handed to the database, and nobody knows what became of it."""


@dataclass(eq=False)
class WaitingRow(Generic[T, R]):
    """One row, and whoever waits for what comes of it."""

    row: T
    written: asyncio.Future[R]
    handed: bool = False
    """to the database: from then on nobody can be told that it is not there"""


class WriteGroup(Generic[T, R]):
    """Rows for one transaction. `handed` are those that the database was asked to take."""

    def __init__(self, waiting: Sequence[WaitingRow[T, R]]) -> None:
        self._waiting = waiting
        self.handed: tuple[WaitingRow[T, R], ...] = ()

    def hand_over(self) -> list[T]:
        """To be called right before the write: whoever gave up before that was told that their row is not there."""
        self.handed = tuple(one for one in self._waiting if not one.written.done())
        for one in self.handed:
            one.handed = True
        return [one.row for one in self.handed]

    def fail(self, error: Exception) -> None:
        for one in self._waiting:
            if not one.written.done():
                one.written.set_exception(error)


class GroupCommit(Generic[T, R]):
    """`write` takes the rows of a group (`hand_over`), puts them down in one transaction, and says of each what came of
    it; no rows, no write: to a database, none are a row of defaults. What comes meanwhile is the next group.

    `gather`: seconds that a group is given to grow before it is written.
    """

    def __init__(self, write: Callable[[WriteGroup[T, R]], Awaitable[Sequence[R]]], gather: float = 0.0) -> None:
        self._write = write
        self._gather = gather
        self._waiting: list[WaitingRow[T, R]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, row: T, patience: float | None = None) -> R:
        """What came of it. Raises what `write` raises. When `patience` (seconds) is over, raises TimeoutError for a row
        that was not handed over, and never will be, else WriteInDoubt.
        """
        mine: WaitingRow[T, R] = WaitingRow(row, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        try:
            async with asyncio.timeout(patience):
                return await mine.written
        except TimeoutError as error:
            if mine.written.done() and not mine.written.cancelled():  # the answer came in the same moment
                return mine.written.result()
            if mine.handed:
                raise WriteInDoubt(f"no answer within {patience:g} seconds") from error
            raise

    async def _flush(self) -> None:
        while self._waiting:
            if self._gather:
                await asyncio.sleep(self._gather)
            group = WriteGroup(self._waiting[:MOST])
            self._waiting = self._waiting[MOST:]
            try:
                results = await self._write(group)
            except Exception as error:  # noqa: BLE001 (whoever waits gets it)
                group.fail(error)
                continue
            for one, result in zip(group.handed, results, strict=True):
                if not one.written.done():
                    one.written.set_result(result)
