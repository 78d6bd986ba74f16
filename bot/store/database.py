"""The database: one engine, one transaction helper. Tables live one idea a file beside this one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.domain.errors import DatabaseAway
from bot.store import sqlite_driver
from bot.store.login import Login, watchful
from bot.store.outage import Outage, away
from bot.store.turns import Turns

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
CONNECTIONS = 15
"""at once, and kept: one that is opened for a peak only, and closed after each use, takes longer than what it is for"""
URGENT_CONNECTIONS = 2
"""kept for what cannot wait until hundreds of commands have given theirs back"""


class TurnTimeout(Exception):
    """The turn to write did not come."""


class Database:
    """`url` is a SQLAlchemy URL without driver: `sqlite:///FILE` (one replica) or `postgresql://…` (several).

    `login`: the user and password of each new connection, where they may change meanwhile.

    Raises sqlalchemy's ArgumentError for a malformed URL, ValueError for another kind of database.
    """

    def __init__(self, url: str, login: Login | None = None) -> None:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind not in DRIVERS:
            raise ValueError(f"database_url: {kind} is not supported: expected sqlite:///FILE or postgresql://…")
        self.sqlite = kind == "sqlite"
        self._login = login
        in_memory = self.sqlite and parsed.database in (None, "", ":memory:")  # then there is only one connection
        pool: dict[str, Any] = (
            {} if in_memory else {"pool_timeout": POOL_SECONDS, "pool_size": CONNECTIONS, "max_overflow": 0}
        )
        self.engine = self._engine(parsed.set(drivername=DRIVERS[kind]), pool)
        few = {**pool, "pool_size": URGENT_CONNECTIONS}
        self._urgent = self.engine if in_memory else self._engine(self.engine.url, few, transactions=False)
        self._writing = Turns()
        self._reads, self._writes = Outage("read"), Outage("written")

    def _engine(self, url: sa.URL, pool: dict[str, Any], *, transactions: bool = True) -> AsyncEngine:
        """Without `transactions` each statement is one."""
        how: dict[str, Any] = {"async_creator_fn": sqlite_driver.connect} if self.sqlite else watchful(url)
        if not transactions:
            pool = {**pool, "isolation_level": "AUTOCOMMIT"}
        engine = create_async_engine(url, pool_pre_ping=not self.sqlite, connect_args=how, **pool)
        if self.sqlite:
            sa.event.listen(engine.sync_engine, "connect", use_write_ahead_log)
            if transactions:
                # Listening for "begin" would cost more: then every connection and statement looks for all listeners.
                engine.dialect.do_begin = take_the_write_lock  # type: ignore[method-assign,assignment]
        elif self._login:
            self._login.follow(engine.sync_engine)
        return engine

    @asynccontextmanager
    async def begin(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back when it raises. Raises DatabaseAway.

        `urgent`: somebody waits for an acknowledgement, so it goes before the others, and costs one trip: each of its
        statements is a transaction by itself.
        """
        engine = self._urgent if urgent else self.engine
        async with (
            self._told(self._writes),
            self._turn(urgent=urgent),
            self._connected(engine) as connection,
            connection.begin(),
        ):
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes nothing: beside others that do so, and beside the one that writes.

        Raises DatabaseAway.
        """
        async with self._told(self._reads), self._connected(self.engine) as connection:
            if self.sqlite:
                only_read(connection)
            yield connection

    def _connected(self, engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncConnection]:
        return BriefConnection(engine) if self.sqlite else engine.connect()

    @property
    def away(self) -> bool:
        """Whether the last question found it away."""
        return self._reads.lasting or self._writes.lasting

    async def answers(self) -> bool:
        """Whether it can be read now; whether it can be written is what the last write found out."""
        try:
            async with self.reading() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except DatabaseAway:
            return False
        return not self._writes.lasting

    @asynccontextmanager
    async def _told(self, outage: Outage) -> AsyncIterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout, TurnTimeout) as error:
            if not isinstance(error, TurnTimeout) and not away(error):
                raise
            raise outage.begin(error) from error
        else:
            outage.end()

    @asynccontextmanager
    async def _turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """SQLite's own waiting is a lottery, and who loses it for long is an error: here everybody's turn comes."""
        if not self.sqlite:
            yield
            return
        try:
            async with asyncio.timeout(POOL_SECONDS):
                await self._writing.take(urgent=urgent)
        except TimeoutError:
            raise TurnTimeout("others have waited for it for too long") from None
        try:
            yield
        finally:
            self._writing.hand_on()

    async def close(self) -> None:
        await self.engine.dispose()
        await self._urgent.dispose()


class BriefConnection(AbstractAsyncContextManager[AsyncConnection]):
    """One to SQLite. SQLAlchemy closes a connection in a task of its own, so that whoever is interrupted leaves nothing
    open: after what went well nothing is, and closing it waits for nothing.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._connection = engine.connect()

    async def __aenter__(self) -> AsyncConnection:
        return await self._connection

    async def __aexit__(self, *error: Any) -> None:
        if error[0]:
            await self._connection.__aexit__(*error)
        else:
            await self._connection.close()


def use_write_ahead_log(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")  # first: the next one may have to wait for a lock
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def take_the_write_lock(connection: sa.PoolProxiedConnection) -> None:
    """A transaction that reads first and writes later would fail when another wrote in between: queue up instead."""
    _driver(connection).begin(reads=False)


def only_read(connection: AsyncConnection) -> None:
    """Begin a transaction that needs no lock."""
    sync = connection.sync_connection
    assert sync is not None
    sync.begin()
    _driver(sync.connection).begin(reads=True)


def _driver(connection: sa.PoolProxiedConnection) -> sqlite_driver.SqliteConnection:
    driver = connection.driver_connection
    assert isinstance(driver, sqlite_driver.SqliteConnection)
    return driver
