"""SQLite has one replica: a second bot on the same file would carry every promotion on as well."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy.engine import make_url

from bot.store.outage import Outage


@cache
def _unwritable(file: str) -> Outage:
    """One a file: it remembers when the log had it last."""
    return Outage(f"opened for writing ({file})")


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Holds the database against other bots; the kernel lets go of it when the process dies. Postgres is for several.

    Raises OSError with the remedy when another one has it, DatabaseAway when its directory cannot be written.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        yield
        return
    try:
        descriptor = os.open(Path(f"{parsed.database}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(parsed.database).begin(error) from error
    _unwritable(parsed.database).end()
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(
                f"another Pilothouse has {parsed.database}: end it first, or use Postgres for several replicas"
            ) from None
        yield
    finally:
        os.close(descriptor)
