"""SQLite in one trip a statement: aiosqlite alone goes to its thread and back four times for the rows of one SELECT.

A transaction begins on the trip of its first statement; what is no transaction is not committed.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

import aiosqlite
from aiosqlite.core import _connection_worker_thread, set_exception, set_result

CHUNK = 64
"""rows that aiosqlite would fetch at a time; here all of them are fetched at once"""
Found = tuple[list[Any], Any, int, int | None]
"""the rows of a statement, their description, how many rows it changed, and the last that it added"""


class SqliteConnection(aiosqlite.Connection):
    """What SQLAlchemy's dialect `sqlite+aiosqlite` takes from its `async_creator_fn`."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, CHUNK)
        self._tx = ConnectionTasks()
        # A daemon: a process that forgets to close it can still end.
        self._thread = Thread(target=_connection_worker_thread, args=(self._tx,), daemon=True)

    _beginning = ""
    """the BEGIN that waits for its first statement"""
    _in_transaction = False
    _reads = False
    """whether the transaction changes nothing"""

    def cursor(self) -> "Cursor":  # type: ignore[override]
        """One that costs no trip before it executes something."""
        return Cursor(self)

    async def whole(self, do: Callable[..., object], *arguments: object) -> Found:
        """One statement from its beginning to its end, in the connection's own thread. Raises sqlite3.Error."""
        begin, self._beginning = self._beginning, ""
        found: Found = await self._execute(_whole, self._conn, begin, do, *arguments)  # type: ignore[no-untyped-call]
        return found

    def begin(self, *, reads: bool) -> None:
        """A transaction, which `reads` or takes the lock for writing; with its first statement."""
        self._beginning, self._in_transaction, self._reads = "BEGIN" if reads else "BEGIN IMMEDIATE", True, reads

    async def commit(self) -> None:
        if self._is_open():
            await super().commit()
            self._in_transaction = False

    async def rollback(self) -> None:
        """Nobody waits for the end of what only read: the thread comes to it before whatever is next."""
        if self._is_open():
            if self._reads:
                self._tx.put_nowait((None, self._conn.rollback))
            else:
                await super().rollback()
            self._in_transaction = False

    def _is_open(self) -> bool:
        """A transaction in which nothing was done ends here, without a trip."""
        if self._beginning:
            self._beginning, self._in_transaction = "", False
        return self._in_transaction


Answer = asyncio.Future[Any]


class ConnectionTasks(SimpleQueue[tuple[Answer | None, Callable[[], Any]]]):
    """What a connection's thread does, one after another. Who waits for an answer may be gone with its event loop."""

    def put_nowait(self, item: tuple[Answer | None, Callable[[], Any]]) -> None:
        future, do = item
        super().put_nowait((None, partial(_run, future, do) if future else do))


def _run(future: Answer, do: Callable[[], Any]) -> Any:
    try:
        result = do()
    except BaseException as error:  # noqa: BLE001 (handed on to whoever asked, as by aiosqlite itself)
        _tell(future, set_exception, error)
        return None
    _tell(future, set_result, result)
    return result


def _tell(future: Answer, how: Callable[[Answer, Any], None], what: Any) -> None:
    with suppress(RuntimeError):  # the loop is closed
        future.get_loop().call_soon_threadsafe(how, future, what)


class Cursor:
    """One statement and all of its rows, in the words of PEP 249."""

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        await self._do(sqlite3.Cursor.execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self._do(sqlite3.Cursor.executemany, statement, parameters)

    async def _do(self, do: Callable[..., object], *arguments: object) -> None:
        self._rows, self.description, self.rowcount, self.lastrowid = await self._connection.whole(do, *arguments)

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open by now."""


def connect(database: str, **options: Any) -> SqliteConnection:
    """A connection to be awaited; `options` are those of sqlite3, which must not begin transactions of its own."""
    return SqliteConnection(partial(sqlite3.connect, database, **{**options, "isolation_level": None}))


def _whole(connection: sqlite3.Connection, begin: str, do: Callable[..., object], *arguments: object) -> Found:
    cursor = connection.cursor()
    try:
        if begin:
            connection.rollback()  # what nobody waited for may have failed
            cursor.execute(begin)
        before = connection.total_changes
        do(cursor, *arguments)
        rows = cursor.fetchall() if cursor.description else []
        # pysqlite3 counts what gives rows as no change.
        changed = cursor.rowcount or (connection.total_changes - before if rows else 0)
        return rows, cursor.description, changed, cursor.lastrowid
    finally:
        cursor.close()
