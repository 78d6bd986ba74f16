"""What is noted before it is acknowledged: once, on both databases, and in few transactions."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.domain.errors import DatabaseAway, DatabaseInDoubt, DatabaseSlow
from bot.ports import Request
from bot.store.database import Database
from bot.store.group_commit import WriteGroup, WriteInDoubt
from bot.store.outage import had_no_effect
from bot.store.requests import LEASE, RequestStore, requests
from bot.store.sqlite_driver import SqliteConnection
from tests.fakes.databases import create_tables
from tests.fakes.outages import Outages

NOW = 1_800_000_000.0
ASKED = Request("r-1", "command", '{"text":"secret plans"}', NOW)


async def rows(database: Database) -> dict[str, Any]:
    async with database.reading() as connection:
        return {row.id: row for row in (await connection.execute(sa.select(requests))).all()}


async def test_a_request_is_noted_once_and_leased_to_whoever_noted_it(database: Database) -> None:
    store = RequestStore(database)
    assert await store.note(ASKED)
    assert not await store.note(replace(ASKED, body="{}"))
    assert await store.take(NOW + LEASE - 1, 10) == ()
    assert await store.take(NOW + LEASE + 1, 10) == (replace(ASKED, tries=2),)
    assert await store.take(NOW + LEASE + 2, 10) == (), "it is leased again"


async def test_what_is_settled_is_known_and_what_it_said_is_not(database: Database) -> None:
    store = RequestStore(database)
    await store.note(ASKED)
    assert await store.oldest() == (1, NOW)
    await store.settle(ASKED.id)
    assert await store.oldest() == (0, None)
    assert not await store.note(ASKED)
    assert await store.take(NOW + 10 * LEASE, 10) == ()
    assert "secret" not in str((await rows(database))["r-1"])


async def test_of_two_deliveries_at_once_one_is_the_first(database: Database) -> None:
    store = RequestStore(database)
    assert sorted(await asyncio.gather(*(store.note(ASKED) for _ in range(5)))) == [False] * 4 + [True]


async def test_who_still_works_on_it_keeps_it_and_who_stops_gives_it_back(database: Database) -> None:
    store = RequestStore(database)
    await store.note(ASKED)
    await store.renew([ASKED.id], NOW + LEASE)
    assert await store.take(NOW + LEASE + 1, 10) == ()
    await store.release([ASKED.id])
    assert [one.id for one in await store.take(NOW + 1, 10)] == ["r-1"]


async def test_two_replicas_do_not_take_the_same(database: Database) -> None:
    stores = [RequestStore(database) for _ in range(3)]
    for number in range(12):
        await stores[0].note(replace(ASKED, id=f"r-{number}"))
    later = NOW + LEASE + 1
    taken = await asyncio.gather(*(store.take(later, 12) for store in stores))
    assert sorted(one.id for some in taken for one in some) == sorted(f"r-{n}" for n in range(12))


async def test_after_a_start_the_only_replica_takes_what_was_leased(database: Database) -> None:
    store = RequestStore(database)
    await store.note(ASKED)
    await store.release()
    assert len(await store.take(NOW + 1, 10)) == (1 if database.sqlite else 0)


async def test_the_oldest_come_first(database: Database) -> None:
    store = RequestStore(database)
    for number in (3, 1, 2):
        await store.note(replace(ASKED, id=f"r-{number}", at=NOW + number))
    assert [one.id for one in await store.take(NOW + 100, 2)] == ["r-1", "r-2"]


async def test_hundreds_at_once_share_a_few_transactions(database: Database) -> None:
    store, commits = RequestStore(database, patience=30), list[str]()
    sa.event.listen(database._urgent.sync_engine, "commit", lambda _: commits.append("commit"))
    asked = [replace(ASKED, id=f"r-{number}") for number in range(300)]
    assert all(await asyncio.gather(*(store.note(one) for one in asked)))
    assert len(await rows(database)) == 300
    assert len(commits) <= 5


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'slow.db'}")
    await create_tables(database)
    yield database
    await database.close()


async def test_a_note_is_one_trip_to_the_database(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RequestStore(sqlite, patience=30)
    await store.note(ASKED)
    trips: list[object] = []
    real = SqliteConnection._execute

    async def counted(self: SqliteConnection, *what: object, **how: object) -> object:
        trips.append(what)
        return await real(self, *what, **how)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(SqliteConnection, "_execute", counted)
    assert await store.note(replace(ASKED, id="r-2"))
    assert not await store.note(replace(ASKED, id="r-2"))
    assert len(trips) == 2
    assert len(await rows(sqlite)) == 2


async def test_a_note_does_not_wait_behind_those_who_write_at_leisure(sqlite: Database) -> None:
    """Postgres has no turns."""
    store = RequestStore(sqlite, patience=30)
    order: list[str] = []

    async def leisurely(name: str) -> None:
        async with sqlite.begin() as connection:
            await connection.execute(sa.select(requests.c.id))
            order.append(name)

    async def asked() -> None:
        await store.note(ASKED)
        order.append("note")

    async with sqlite.begin():
        others = [asyncio.create_task(leisurely(f"other {number}")) for number in range(5)]
        await asyncio.sleep(0)
        note = asyncio.create_task(asked())
        await asyncio.sleep(0.01)
    await asyncio.gather(note, *others)
    assert order[0] == "note"


async def test_a_database_that_is_away_takes_no_note(sqlite: Database) -> None:
    outages, store = Outages(sqlite), RequestStore(sqlite)
    await store.note(replace(ASKED, id="r-0"))
    outages.away = True
    with pytest.raises(DatabaseAway):
        await store.note(ASKED)
    outages.away = False
    assert await store.note(ASKED)


async def test_what_was_not_handed_over_in_time_is_not_there(sqlite: Database) -> None:
    """People heard that nothing was done."""
    store = RequestStore(sqlite, patience=0.05)
    async with sqlite.begin():
        with pytest.raises(DatabaseSlow):
            await store.note(ASKED)
    assert store._notes._task
    await store._notes._task
    assert await rows(sqlite) == {}
    assert await store.resolve() == ()


@pytest.mark.filterwarnings("ignore")  # in production a warning stops nothing
async def test_notes_that_have_all_given_up_meanwhile_are_not_an_outage(sqlite: Database) -> None:
    store = RequestStore(sqlite, patience=0.05)
    async with sqlite.begin():
        for one in (ASKED, replace(ASKED, id="r-2")):  # the second waits behind the first
            with pytest.raises(DatabaseSlow):
                await store.note(one)
    assert store._notes._task
    await store._notes._task
    assert not sqlite.away
    assert await rows(sqlite) == {}


class PostgresError(Exception):
    """As psycopg raises it."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("no")
        self.sqlstate = sqlstate


def of_sqlite(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (PostgresError("57014"), True),  # canceled, for it took too long
        (PostgresError("53100"), True),  # disk full
        (PostgresError("25006"), True),  # read-only
        (PostgresError("40001"), True),  # serialization failure
        (PostgresError("57P01"), False),  # shut down
        (PostgresError("57P02"), False),  # crashed
        (PostgresError("08006"), False),  # connection failure
        (PostgresError("08007"), False),  # transaction resolution unknown
        (PostgresError("40003"), False),  # statement completion unknown
        (PostgresError(None), False),  # the connection is gone
        (of_sqlite("SQLITE_BUSY"), True),
        (of_sqlite("SQLITE_FULL"), True),
        (of_sqlite("SQLITE_READONLY"), True),
        (of_sqlite("SQLITE_IOERR_FSYNC"), False),
        (of_sqlite("SQLITE_IOERR_WRITE"), False),
    ],
    ids=str,
)
def test_only_the_database_itself_can_say_that_nothing_was_written(error: Exception, certain: bool) -> None:
    assert had_no_effect(sa.exc.OperationalError("INSERT", {}, error)) is certain


@pytest.mark.parametrize("error", [None, ValueError("x"), ConnectionResetError()])
def test_no_other_error_can(error: Exception | None) -> None:
    assert not had_no_effect(error)


async def in_doubt(store: RequestStore, request: Request, *, there: bool) -> None:
    """Noted, and the connection breaks before the database has said so."""
    put_down = store._notes._write

    async def broken(group: WriteGroup[Request, bool]) -> Sequence[bool]:
        if there:
            await put_down(group)
        else:
            group.hand_over()
        raise WriteInDoubt("the connection broke")

    store._notes._write = broken
    with pytest.raises(DatabaseInDoubt):
        await store.note(request)
    store._notes._write = put_down


@pytest.mark.parametrize("there", [True, False])
async def test_a_doubt_ends_as_soon_as_the_database_answers(database: Database, there: bool) -> None:
    store = RequestStore(database)
    await in_doubt(store, ASKED, there=there)
    assert await store.resolve() == (ASKED,)
    assert await store.resolve() == (), "it is told once"
    assert await store.take(NOW + 10 * LEASE, 5) == ()
    assert not await store.note(ASKED), "what was still on its way comes too late"
    assert "secret" not in str(await rows(database))


async def test_a_doubt_lasts_while_the_database_is_away(sqlite: Database) -> None:
    store, outages = RequestStore(sqlite), Outages(sqlite)
    await in_doubt(store, ASKED, there=True)
    outages.away = True
    for _ in range(2):
        with pytest.raises(DatabaseAway):
            await store.resolve()
    outages.away = False
    assert await store.resolve() == (ASKED,)


async def test_a_word_whose_own_answer_is_lost_is_said_again(sqlite: Database) -> None:
    """The fence is there, and the connection broke behind it."""
    store = RequestStore(sqlite)
    await in_doubt(store, ASKED, there=True)
    assert await store.resolve() == (ASKED,)
    store._in_doubt = [ASKED]
    assert await store.resolve() == (ASKED,)


async def test_what_another_replica_has_begun_is_not_told_as_not_done(database: Database) -> None:
    store, other = RequestStore(database), RequestStore(database)
    await in_doubt(store, ASKED, there=True)
    assert [one.id for one in await other.take(NOW + LEASE + 1, 5)] == [ASKED.id]
    assert await store.resolve() == ()
    await other.renew([ASKED.id], NOW + LEASE + 2)
    assert [one.tries for one in await other.take(NOW + 10 * LEASE, 5)] == [3], "it is worked on"


async def test_what_another_replica_has_done_is_not_told_as_not_done(database: Database) -> None:
    store, other = RequestStore(database), RequestStore(database)
    await in_doubt(store, ASKED, there=True)
    await other.take(NOW + LEASE + 1, 5)
    await other.settle(ASKED.id)
    assert await store.resolve() == ()


async def test_a_doubt_about_a_second_delivery_takes_nothing_from_the_first(database: Database) -> None:
    await RequestStore(database).note(ASKED)
    store = RequestStore(database)
    await in_doubt(store, replace(ASKED, at=NOW + 1), there=True)
    assert await store.resolve() == ()
    assert [one.id for one in await store.take(NOW + 10 * LEASE, 5)] == [ASKED.id]


@pytest.mark.parametrize("there", [True, False])
async def test_a_form_that_was_not_taken_is_submitted_again(database: Database, there: bool) -> None:
    """It stays open, and what it sends is the same request."""
    form = replace(ASKED, kind="submission")
    store = RequestStore(database)
    await in_doubt(store, form, there=there)
    assert await store.resolve() == (form,)
    assert not await store.note(replace(form, at=NOW - 1)), "that is older than what was withdrawn"
    again = replace(form, at=NOW + 7, body='{"text":"better"}')
    assert await store.note(again)
    assert not await store.note(replace(again, at=NOW + 8)), "it is there"
    assert await store.take(NOW + 10 * LEASE, 5) == (replace(again, tries=2),)


async def test_a_form_may_be_in_doubt_twice(database: Database) -> None:
    first, second = (replace(ASKED, kind="submission", at=NOW + seconds) for seconds in (0, 9))
    store = RequestStore(database)
    for form in (first, second):
        await in_doubt(store, form, there=False)
    assert await store.resolve() == (first, second)
    assert not await store.note(first)
    assert not await store.note(second)


@pytest.mark.parametrize("kind", ["command", "button", "mention", "event", "shortcut"])
async def test_nothing_else_that_was_withdrawn_is_done_when_slack_delivers_it_again(
    database: Database, kind: str
) -> None:
    store = RequestStore(database)
    await in_doubt(store, replace(ASKED, kind=kind), there=False)
    await store.resolve()
    assert not await store.note(replace(ASKED, kind=kind, at=NOW + 7))
    assert await store.take(NOW + 10 * LEASE, 5) == ()
