"""What DBOS would raise into a story, it waits for."""

import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from dbos._utils import retriable_postgres_exception, retriable_sqlite_exception

from bot.workflow.journal_outage import JOURNAL, wait_for_the_journal

AWAY: dict[str, Exception] = {
    "read-only": sqlite3.OperationalError("attempt to write a readonly database"),
    "full": sqlite3.OperationalError("database or disk is full"),
    "broken disk": sqlite3.OperationalError("disk I/O error"),
    "no file": sqlite3.OperationalError("unable to open database file"),
    "locked": sqlite3.OperationalError("database is locked"),
}
ANSWERS: dict[str, Exception] = {
    "no table": sqlite3.OperationalError("no such table: dbos_migrations"),
    "constraint": sqlite3.IntegrityError("UNIQUE constraint failed: x"),
    "bug": sqlite3.ProgrammingError("Incorrect number of bindings supplied"),
}


def raised(error: Exception, name: str) -> sa.exc.DBAPIError:
    engine = sa.create_engine("sqlite://", logging_name=name)

    def fail(_cursor: Any, _statement: str, _parameters: Any, _context: Any) -> None:
        raise error

    sa.event.listen(engine, "do_execute", fail)
    with pytest.raises(sa.exc.DBAPIError) as caught, engine.connect() as connection:
        connection.execute(sa.text("SELECT :one"), {"one": 1})
    return caught.value


def waited_for(error: Exception) -> bool:
    return retriable_postgres_exception(error) or retriable_sqlite_exception(error)


@pytest.fixture(autouse=True)
def installed() -> None:
    wait_for_the_journal()
    wait_for_the_journal()


@pytest.mark.parametrize("why", AWAY)
def test_a_journal_that_is_away_is_waited_for(why: str) -> None:
    assert waited_for(raised(AWAY[why], JOURNAL))


@pytest.mark.parametrize("why", ANSWERS)
def test_an_answer_is_raised(why: str) -> None:
    assert not waited_for(raised(ANSWERS[why], JOURNAL))


def test_other_engines_are_left_alone() -> None:
    assert not waited_for(raised(AWAY["full"], "another"))


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (psycopg.errors.ReadOnlySqlTransaction, True),
        (psycopg.errors.InsufficientPrivilege, True),
        (psycopg.errors.DiskFull, True),
        (psycopg.errors.AdminShutdown, True),
        (psycopg.errors.UndefinedTable, False),
        (psycopg.errors.UniqueViolation, False),
        (psycopg.errors.SerializationFailure, False),
        (psycopg.errors.LockNotAvailable, False),
    ],
)
def test_postgres_is_told_by_its_states(error: Callable[[str], Exception], waits: bool) -> None:
    engine = sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", logging_name=JOURNAL)

    def fail(*_: Any) -> None:
        raise error("the server says so")

    sa.event.listen(engine, "do_connect", fail)
    with pytest.raises(sa.exc.DBAPIError) as caught:
        engine.connect()
    assert waited_for(caught.value) is waits
