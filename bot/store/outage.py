"""Whether an error means that the database is away, and the log's word on it: once a minute, not once a question."""

import sqlite3
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.domain.errors import DatabaseAway

log = structlog.get_logger(__name__)

TOLD_EVERY = 60.0
"""seconds between two lines on the same outage"""
CONSTRAINT, RAISED_BY_TRIGGER = "SQLITE_CONSTRAINT", "SQLITE_CONSTRAINT_TRIGGER"
DISK_BROKE = "SQLITE_IOERR"
CONNECTION_BROKE = ("08", "57P", "40003")
"""SQLSTATEs of Postgres: connection exceptions, shutdowns, statement completion unknown"""


def away(error: Exception) -> bool:
    """Whether asking again may help: it is locked, full, read-only, gone, or does not let us write. A constraint that
    holds, or a value that no column takes, is a mistake of ours instead.
    """
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error, IntegrityError):
        return _by_trigger(error.orig)
    if isinstance(error, DataError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return bool(state) or not isinstance(error, ProgrammingError) or error.connection_invalidated


def _by_trigger(error: BaseException | None) -> bool:
    """Whether somebody has forbidden it. The SQLite that comes as a package does not say which kind of constraint it
    is; all but those of a trigger name theirs in their words ("UNIQUE constraint failed: …").
    """
    kind = getattr(error, "sqlite_errorname", "")
    return kind == RAISED_BY_TRIGGER or (kind == CONSTRAINT and " constraint failed" not in str(error))


def had_no_effect(error: BaseException | None) -> bool:
    """Whether the database itself has said that a statement, which is a transaction by itself, did nothing. Where only
    the connection broke, or the disk, it may have done all of it.
    """
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if isinstance(error.orig, sqlite3.Error):
        return not getattr(error.orig, "sqlite_errorname", "").startswith(DISK_BROKE)
    return bool(state) and not state.startswith(CONNECTION_BROKE)


class Outage:
    """One thing that may be away: `what` is "read" or "written". `clock` counts seconds."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._since: float | None = None
        self._told = 0.0

    @property
    def lasting(self) -> bool:
        return self._since is not None

    def begin(self, error: Exception) -> DatabaseAway:
        """The error that callers get; told in the log when it has not been for a minute."""
        now = self._clock()
        if self._since is None or now - self._told >= TOLD_EVERY:
            seconds = round(now - self._since) if self._since is not None else 0
            log.warning("database.unavailable", what=self._what, error=_line(error), seconds=seconds)
            self._told = now
        self._since = self._since if self._since is not None else now
        return DatabaseAway(f"be {self._what}", _line(error))

    def end(self) -> None:
        if self._since is not None:
            log.warning("database.available", what=self._what, seconds=round(self._clock() - self._since))
            self._since = None


def _line(error: Exception) -> str:
    """What the driver said, without the statement and its values."""
    told = str(getattr(error, "orig", None) or error).strip().splitlines()
    return told[0] if told else type(error).__name__
