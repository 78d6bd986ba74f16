"""A database that is away when a test wants it to be: every statement fails as the driver would let it."""

import sqlite3
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from bot.store.database import Database


class Outages:
    """`away` turns it off and on; `only` names what a statement must contain to fail, "" for any."""

    def __init__(self, database: Database, error: Callable[[], Exception] | None = None, only: str = "") -> None:
        self.away = False
        self.failed = 0
        self._error = error or (lambda: sqlite3.OperationalError("database is locked"))
        self._only = only
        for engine in {database.engine, database._urgent}:
            sa.event.listen(engine.sync_engine, "do_execute", self._execute)
            sa.event.listen(engine.sync_engine, "do_execute_no_params", self._execute_bare)

    def begin(self, _step: str = "") -> None:
        self.away = True

    def _execute(self, _cursor: Any, statement: str, _parameters: Any, _context: Any) -> None:
        self._fail(statement)

    def _execute_bare(self, _cursor: Any, statement: str, _context: Any) -> None:
        self._fail(statement)

    def _fail(self, statement: str) -> None:
        if self.away and self._only in statement:
            self.failed += 1
            raise self._error()


class WriteLock:
    """SQLite's write lock in the hands of another connection, for as long as `away`: a backup, or somebody's shell."""

    def __init__(self, database: Database) -> None:
        self.failed = 0
        file = database.engine.url.database
        assert file, "a database in memory has no other connections"
        self._other = sqlite3.connect(file, isolation_level=None)
        for engine in {database.engine, database._urgent}:
            sa.event.listen(engine.sync_engine, "handle_error", self._note)

    @property
    def away(self) -> bool:
        return self._other.in_transaction

    @away.setter
    def away(self, away: bool) -> None:
        if away != self.away:
            self._other.execute("BEGIN IMMEDIATE" if away else "ROLLBACK")

    def begin(self, _step: str = "") -> None:
        self.away = True

    def close(self) -> None:
        self._other.close()

    def _note(self, _context: sa.engine.interfaces.ExceptionContext) -> None:
        self.failed += 1
