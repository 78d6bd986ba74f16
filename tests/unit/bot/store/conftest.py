"""Both kinds of database, with this version's schema."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.schema import migrate
from tests.fakes.databases import create_tables
from tests.postgres import FreshDatabases, fresh_databases
from tests.sqlite_here import with_its_thread


@pytest.fixture(autouse=True, scope="package")
def its_thread() -> Iterator[None]:
    """As it ships."""
    with with_its_thread():
        yield


@pytest.fixture(scope="session")
def new_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshDatabases]:
    """Skips where Postgres cannot be started."""
    with fresh_databases(tmp_path_factory) as new:
        yield new


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Without any table."""
    file = f"sqlite:///{tmp_path / 'x.db'}"
    database = Database(file if request.param == "sqlite" else request.getfixturevalue("new_postgres")())
    yield database
    await database.close()


@pytest.fixture(scope="session")
def migrated() -> dict[FreshDatabases, str]:
    """The name of a database that has this version's tables, of each Postgres."""
    return {}


@pytest.fixture(params=["sqlite", "postgres"])
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, migrated: dict[FreshDatabases, str]
) -> AsyncIterator[Database]:
    """With this version's tables; that migrations make them is what test_schema is about."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'x.db'}")
        await create_tables(database)
    else:
        new: FreshDatabases = request.getfixturevalue("new_postgres")
        if new not in migrated:
            migrated[new] = await _migrated(new())
        database = Database(new.like(migrated[new]))
    yield database
    await database.close()


async def _migrated(url: str) -> str:
    database = Database(url)
    await migrate(database)
    await database.close()
    return str(database.engine.url.database)
