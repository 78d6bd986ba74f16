"""The database: one engine, one transaction helper. Tables live one idea a file beside this one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
BUSY_SECONDS = 15
POOL_SECONDS = 60
"""How long a transaction waits for its turn: hundreds of commands may come at once."""
READS = "pilothouse_reads"


class Database:
    """`url` is a SQLAlchemy URL without driver: `sqlite:///FILE` (one replica) or `postgresql://…` (several).

    Raises sqlalchemy's ArgumentError for a malformed URL, ValueError for another kind of database.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind not in DRIVERS:
            raise ValueError(f"database_url: {kind} is not supported: expected sqlite:///FILE or postgresql://…")
        self.sqlite = kind == "sqlite"
        in_memory = self.sqlite and parsed.database in (None, "", ":memory:")  # then there is only one connection
        pool: dict[str, Any] = {} if in_memory else {"pool_timeout": POOL_SECONDS}
        self.engine: AsyncEngine = create_async_engine(
            parsed.set(drivername=DRIVERS[kind]), pool_pre_ping=not self.sqlite, **pool
        )
        # SQLite's own waiting is a lottery, and who loses it for long is an error: here everybody's turn comes.
        self._writing = asyncio.Lock()
        if self.sqlite:
            sa.event.listen(self.engine.sync_engine, "connect", use_write_ahead_log)
            sa.event.listen(self.engine.sync_engine, "begin", take_the_write_lock)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back when it raises."""
        async with self._writing if self.sqlite else nullcontext(), self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes nothing: beside others that do so, and beside the one that writes."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(**{READS: True})

    async def close(self) -> None:
        await self.engine.dispose()


def use_write_ahead_log(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def take_the_write_lock(connection: sa.Connection) -> None:
    """A transaction that reads first and writes later would fail when another wrote in between: queue up instead."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE")
