"""One trip to the connection's thread a statement, whatever becomes of it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import sqlite_driver
from bot.store.sqlite_driver import SqliteConnection


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[SqliteConnection]:
    opened = sqlite_driver.connect(str(tmp_path / "x.db"), check_same_thread=False)
    await opened
    await opened.whole(sqlite3.Cursor.execute, "CREATE TABLE apps (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    yield opened
    await opened.close()


@pytest.fixture
def trips(connection: SqliteConnection, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    made: list[object] = []
    real = connection._tx

    class Counted:
        def put_nowait(self, item: tuple[object, object]) -> None:
            made.append(item)
            real.put_nowait(item)  # type: ignore[arg-type]

    monkeypatch.setattr(connection, "_tx", Counted())
    return made


def is_open(connection: SqliteConnection) -> bool:
    return connection.in_transaction


async def test_all_rows_of_a_question_come_in_one_trip(connection: SqliteConnection, trips: list[object]) -> None:
    cursor = connection.cursor()
    await cursor.executemany("INSERT INTO apps (name) VALUES (?)", [(f"app-{number}",) for number in range(300)])
    assert cursor.rowcount == 300
    assert cursor.description is None
    assert len(trips) == 1
    found = connection.cursor()
    await found.execute("SELECT name FROM apps WHERE id > ? ORDER BY id", (100,))
    rows = await found.fetchall()
    assert (len(rows), rows[0], found.description[0][0]) == (200, ("app-100",), "name")
    assert await found.fetchall() == []
    assert len(trips) == 2


async def test_what_a_statement_changed_is_counted_when_it_gives_rows_too(connection: SqliteConnection) -> None:
    cursor = connection.cursor()
    await cursor.execute("INSERT INTO apps (name) VALUES (?), (?) RETURNING id", ("one", "two"))
    assert (await cursor.fetchall(), cursor.rowcount) == ([(1,), (2,)], 2)
    await cursor.execute("INSERT INTO apps (name) VALUES ('three')")
    assert cursor.lastrowid == 3
    await cursor.execute("UPDATE apps SET name = name || '!' WHERE id < 3")
    assert (await cursor.fetchall(), cursor.rowcount) == ([], 2)


async def test_a_statement_that_fails_leaves_nothing_open(connection: SqliteConnection) -> None:
    cursor = connection.cursor()
    await cursor.execute("INSERT INTO apps (name) VALUES ('one')")
    with pytest.raises(sqlite3.IntegrityError):
        await cursor.execute("INSERT INTO apps (name) VALUES ('one')")
    with pytest.raises(sqlite3.OperationalError):
        await cursor.execute("SELECT nothing FROM nowhere")
    await cursor.execute("SELECT name FROM apps")
    assert await cursor.fetchall() == [("one",)]
    await connection.commit()
    await connection.whole(sqlite3.Cursor.execute, "DROP TABLE apps")  # refused while a cursor still reads from it


async def test_who_gives_up_waiting_takes_nobody_elses_rows(connection: SqliteConnection) -> None:
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT max(i) FROM n"
    first, second = connection.cursor(), connection.cursor()
    asked = asyncio.create_task(first.execute(slow))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await second.execute("SELECT 'mine'")
    assert (await first.fetchall(), await second.fetchall()) == ([], [("mine",)])


async def test_a_transaction_begins_with_its_first_statement(connection: SqliteConnection, trips: list[object]) -> None:
    cursor = connection.cursor()
    connection.begin(reads=False)
    await cursor.execute("INSERT INTO apps (name) VALUES ('one')")
    assert is_open(connection)
    await connection.rollback()
    assert len(trips) == 2
    await cursor.execute("SELECT name FROM apps")
    assert await cursor.fetchall() == []
    connection.begin(reads=False)
    await cursor.execute("INSERT INTO apps (name) VALUES ('two')")
    await connection.commit()
    assert not is_open(connection)
    assert len(trips) == 5


async def test_a_transaction_in_which_nothing_was_done_costs_nothing(
    connection: SqliteConnection, trips: list[object]
) -> None:
    for end in (connection.commit, connection.rollback):
        connection.begin(reads=False)
        await end()
        await end()
    assert trips == []
    await connection.cursor().execute("INSERT INTO apps (name) VALUES ('alone')")
    assert not is_open(connection), "no BEGIN was left for it"


async def test_nobody_waits_for_the_end_of_what_only_reads(
    connection: SqliteConnection, trips: list[tuple[object, object]]
) -> None:
    cursor = connection.cursor()
    connection.begin(reads=True)
    await cursor.execute("SELECT name FROM apps")
    assert is_open(connection)
    await connection.rollback()
    connection.begin(reads=False)
    await cursor.execute("INSERT INTO apps (name) VALUES ('one')")
    await connection.commit()
    assert not is_open(connection)
    assert [answer is not None for answer, _ in trips] == [True, False, True, True]


async def test_a_transaction_begins_also_where_the_end_of_the_one_before_it_failed(
    connection: SqliteConnection,
) -> None:
    cursor = connection.cursor()
    for _ in range(2):
        connection.begin(reads=True)
        await cursor.execute("SELECT name FROM apps")
    connection.begin(reads=False)
    await cursor.execute("INSERT INTO apps (name) VALUES ('one')")
    await connection.commit()
    assert not is_open(connection)


async def test_a_first_statement_that_nobody_waits_for_any_longer_is_rolled_back(connection: SqliteConnection) -> None:
    slow = "INSERT INTO apps (name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) "
    cursor = connection.cursor()
    connection.begin(reads=False)
    asked = asyncio.create_task(cursor.execute(f"{slow} SELECT i FROM n"))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await connection.rollback()
    assert not is_open(connection)
    await cursor.execute("SELECT count(*) FROM apps")
    assert await cursor.fetchall() == [(0,)]


async def test_a_transaction_that_cannot_begin_does_nothing(connection: SqliteConnection, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    await connection.whole(sqlite3.Cursor.execute, "PRAGMA busy_timeout=0")
    other.execute("BEGIN IMMEDIATE")
    cursor = connection.cursor()
    connection.begin(reads=False)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await cursor.execute("INSERT INTO apps (name) VALUES ('one')")
    await connection.rollback()
    other.execute("ROLLBACK")
    other.close()
    await cursor.execute("SELECT count(*) FROM apps")
    assert await cursor.fetchall() == [(0,)]


def test_a_thread_whose_event_loop_is_gone_ends_quietly(tmp_path: Path) -> None:
    """Somebody is cancelled on the way to a connection, or amid a statement, and the loop ends before the answer."""
    going, on = threading.Event(), threading.Event()

    def slowly() -> None:
        going.set()
        on.wait(30)

    loop = asyncio.new_event_loop()
    opened = sqlite_driver.connect(str(tmp_path / "x.db"), check_same_thread=False)
    loop.run_until_complete(wait_for(opened))
    asked = loop.create_task(opened._execute(slowly))  # type: ignore[no-untyped-call]
    loop.run_until_complete(asyncio.to_thread(going.wait, 30))
    asked.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    on.set()
    opened.stop()
    opened._thread.join(30)  # what it raised would be an error of this test
    assert not opened._thread.is_alive()


async def wait_for(connection: SqliteConnection) -> None:
    await connection
