"""One trip to the connection's thread a statement, whatever becomes of it."""

import asyncio
import sqlite3
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
