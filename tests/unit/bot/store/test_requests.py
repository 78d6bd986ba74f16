"""What is noted before it is acknowledged: once, on both databases, and in few transactions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.domain.errors import DatabaseAway, DatabaseSlow
from bot.ports import Request
from bot.store.database import Database
from bot.store.leased_queue import LeasedQueue
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


async def test_what_nobody_waited_for_any_longer_is_not_done(sqlite: Database) -> None:
    """People heard that it was not taken: a database that takes it at last must not have it done."""
    store = RequestStore(sqlite, patience=0.05)
    async with sqlite.begin():
        with pytest.raises(DatabaseSlow):
            await store.note(ASKED)
    assert store._notes._task
    await store._notes._task  # it is put down at last
    assert await store.take(NOW + 10 * LEASE, 5) == ()
    assert not await RequestStore(sqlite).note(ASKED)
    assert await RequestStore(sqlite).note(replace(ASKED, id="r-2"))
    queue = LeasedQueue(sqlite, requests, requests.c.due_at)
    assert [row["id"] for row in await queue.due(NOW + 10 * LEASE)] == ["r-2"]


@pytest.mark.parametrize("look", [lambda store: store.take(NOW + 10 * LEASE, 0), lambda store: store.release([])])
async def test_a_note_that_failed_and_is_there_is_taken_back_as_soon_as_the_database_answers(
    sqlite: Database, look: Callable[[RequestStore], Awaitable[object]]
) -> None:
    """The connection broke behind the commit; and it is broken still when it is to be taken back."""
    store, outages = RequestStore(sqlite), Outages(sqlite)
    put_down = store._notes._write

    async def broken(group: Sequence[Request]) -> Sequence[bool]:
        await put_down(group)
        raise DatabaseAway("write", "the connection broke")

    store._notes._write = broken
    with pytest.raises(DatabaseAway):
        await store.note(ASKED)
    outages.away = True
    with pytest.raises(DatabaseAway):
        await look(store)
    outages.away = False
    await look(store)
    assert await RequestStore(sqlite).take(NOW + 10 * LEASE, 5) == ()


async def test_what_was_refused_is_taken_back_before_anything_is_taken_up(database: Database) -> None:
    store, refused = RequestStore(database), replace(ASKED, id="r-2", at=NOW + 0.123456)
    for one in (ASKED, refused):
        await store.note(one)
    store._withdraw([refused])
    assert [one.id for one in await store.take(NOW + 10 * LEASE, 5)] == [ASKED.id]


async def test_what_is_taken_back_is_the_delivery_that_was_refused(sqlite: Database) -> None:
    """The first one is worked on: a second one that cannot be noted takes nothing away from it."""
    await RequestStore(sqlite).note(ASKED)
    store = RequestStore(sqlite, patience=0.05)
    async with sqlite.begin():
        with pytest.raises(DatabaseSlow):
            await store.note(replace(ASKED, at=NOW + 1))
    assert store._notes._task
    await store._notes._task
    assert [one.id for one in await store.take(NOW + 10 * LEASE, 5)] == [ASKED.id]


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
    assert [*await rows(sqlite)] == [ASKED.id]
