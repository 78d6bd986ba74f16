"""A Postgres for the tests that need one, and the option that writes docs/reliability.md anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import NewDatabase, fresh_databases
from tests.sqlite_here import with_its_thread


@pytest.fixture(autouse=True, scope="package")
def its_thread() -> Iterator[None]:
    """As it ships."""
    with with_its_thread():
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-report", action="store_true", help="write the tables of docs/reliability.md anew")
    parser.addoption("--kills", default=0, help="how often each way of asking is killed after a random time")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """Makes a fresh database each time that it is called; its URL. Skips where Postgres cannot be started."""
    with fresh_databases(tmp_path_factory) as new:
        yield new


@pytest.fixture(scope="session")
def new_sqlite(tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    def new() -> str:
        directory: Path = tmp_path_factory.mktemp("sqlite")
        return f"sqlite:///{directory / 'pilothouse.db'}"

    return new
