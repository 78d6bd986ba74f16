"""Both kinds of database, with this version's schema."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.schema import migrate
from tests.fakes.databases import create_tables
from tests.postgres import NewDatabase, fresh_databases
from tests.sqlite_here import with_its_thread


@pytest.fixture(autouse=True, scope="package")
def its_thread() -> Iterator[None]:
    """As it ships."""
    with with_its_thread():
        yield


@pytest.fixture(scope="session")
def new_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """Makes a fresh database each time that it is called; its URL. Skips where Postgres cannot be started."""
    with fresh_databases(tmp_path_factory) as new:
        yield new


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Without any table."""
    file = f"sqlite:///{tmp_path / 'x.db'}"
    database = Database(file if request.param == "sqlite" else request.getfixturevalue("new_postgres")())
    yield database
    await database.close()


@pytest.fixture
async def database(empty: Database) -> Database:
    """With this version's tables; that migrations make them is what test_schema is about."""
    await (create_tables if empty.sqlite else migrate)(empty)
    return empty
