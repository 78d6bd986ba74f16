"""SQLite in one trip a statement: aiosqlite alone goes to its thread and back four times for the rows of one SELECT."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import aiosqlite

CHUNK = 64
"""rows that aiosqlite would fetch at a time; here all of them are fetched at once"""
Found = tuple[list[Any], Any, int, int | None]
"""the rows of a statement, their description, how many rows it changed, and the last that it added"""


class SqliteConnection(aiosqlite.Connection):
    """What SQLAlchemy's dialect `sqlite+aiosqlite` takes from its `async_creator_fn`."""

    def cursor(self) -> "Cursor":  # type: ignore[override]
        """One that costs no trip before it executes something."""
        return Cursor(self)

    async def whole(self, do: Callable[..., object], *arguments: object) -> Found:
        """One statement from its beginning to its end, in the connection's own thread. Raises sqlite3.Error."""
        found: Found = await self._execute(_whole, self._conn, do, *arguments)  # type: ignore[no-untyped-call]
        return found


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
    """A connection to be awaited; `options` are those of sqlite3."""
    connection = SqliteConnection(partial(sqlite3.connect, database, **options), CHUNK)
    connection._thread.daemon = True  # a process that forgets to close it can still end
    return connection


def _whole(connection: sqlite3.Connection, do: Callable[..., object], *arguments: object) -> Found:
    cursor = connection.cursor()
    try:
        do(cursor, *arguments)
        rows = cursor.fetchall() if cursor.description else []
        return rows, cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()
