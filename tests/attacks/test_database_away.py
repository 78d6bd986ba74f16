"""The database goes away, at the worst moment. Nothing is lost, nothing is done twice, and nobody gets past."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import DatabaseAway
from bot.domain.intent import Deploy
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Phase, Promotion
from bot.store.audit import AuditEntry
from tests.fakes.outages import Outages, WriteLock
from tests.fakes.world import CoreWorld, core_world, kustomization, path
from tests.unit.bot.workflow.test_crashes import STEPS

SECONDS = (5, 75, 3000)
ERRORS: dict[str, Callable[[], Exception]] = {
    "locked": lambda: sqlite3.OperationalError("database is locked"),
    "full": lambda: sqlite3.OperationalError("database or disk is full"),
    "read-only": lambda: sqlite3.OperationalError("attempt to write a readonly database"),
    "broken disk": lambda: sqlite3.OperationalError("disk I/O error"),
    "no file": lambda: sqlite3.OperationalError("unable to open database file"),
}


async def wait(world: CoreWorld, outages: Outages | WriteLock, seconds: float) -> None:
    """Virtual seconds of outage, then as long as the longest pause between two tries."""
    for _ in range(10):
        await world.engine.pass_time(timedelta(seconds=seconds / 10))
    outages.away = False
    for _ in range(8):
        await world.engine.pass_time(timedelta(seconds=61))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


def arm(world: CoreWorld, outages: Outages | WriteLock, step: str) -> None:
    def begin(name: str) -> None:
        if name == step:
            outages.begin()
            world.engine.on_step = lambda _: None

    world.engine.on_step = begin


async def check_told_once(world: CoreWorld, asked: Promotion) -> None:
    assert world.promotion_commits() == [asked.id]
    told = Counter(row.event for row in await world.audit.rows())
    assert (told["requested"], told["approve"], told["committed"], told["succeeded"]) == (1, 1, 1, 1)
    assert await world.audit.verify() is None
    assert await world.store.all_live() == ()
    assert await world.store.live("my-app", "production") is None


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("step", STEPS)
async def test_an_outage_that_begins_at_any_step_changes_nothing_about_the_end(
    world: CoreWorld, step: str, seconds: int
) -> None:
    outages = Outages(world.database)
    arm(world, outages, step)
    asked = await world.deploy("ana")
    if outages.away:
        await wait(world, outages, seconds)
    await vote(world, asked)
    if outages.away:
        await wait(world, outages, seconds)
    assert outages.failed
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    await check_told_once(world, asked)


async def test_an_outage_of_hours_breaks_no_story(world: CoreWorld) -> None:
    """The pauses double, and once grew beyond what a time can hold."""
    outages = Outages(world.database)
    arm(world, outages, "ask-people#1")
    asked = await world.deploy("ana")
    for _ in range(70):
        await world.engine.pass_time(timedelta(seconds=61))
    assert outages.failed
    outages.away = False
    await world.engine.pass_time(timedelta(seconds=61))
    await vote(world, asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits this long for a lock, in place of fifteen seconds."""
    monkeypatch.setattr("bot.store.database.BUSY_SECONDS", 0.02)


@pytest.mark.parametrize("step", STEPS)
async def test_a_write_lock_that_another_process_holds_changes_nothing_about_the_end(
    short: None, tmp_path: Path, step: str
) -> None:
    """The real lock, not an error that was made up: what is read meanwhile is there, and what is written is not."""
    async with core_world(tmp_path) as world:
        lock = WriteLock(world.database)
        try:
            arm(world, lock, step)
            asked = await world.deploy("ana")
            if lock.away:
                await wait(world, lock, 75)
            await vote(world, asked)
            if lock.away:
                await wait(world, lock, 75)
            assert lock.failed
            assert (await world.now(asked)).phase is Phase.SUCCEEDED
            await check_told_once(world, asked)
        finally:
            lock.close()


async def vote(world: CoreWorld, asked: Promotion) -> None:
    """The service looks at the record after the word was sent, and may find it away: the word is heard all the same."""
    try:
        await world.approve("bo", asked)
    except DatabaseAway:
        await world.engine.settle()


@pytest.mark.parametrize(("error", "seconds"), [*((error, 75) for error in ERRORS), ("locked", 5), ("locked", 3000)])
@pytest.mark.parametrize("break_glass", [False, True])
async def test_what_was_pushed_is_written_down_when_the_database_is_back(
    world: CoreWorld, error: str, seconds: int, break_glass: bool
) -> None:
    """Between push and record: production has changed, and the database does not take it."""
    outages = Outages(world.database, ERRORS[error])
    push = world.overlays.commit

    async def pushed(change: Change, expected_head: str) -> Commit:
        made = await push(change, expected_head)
        outages.begin()
        return made

    world.overlays.commit = pushed  # type: ignore[method-assign]
    if break_glass:
        ask = Deploy(
            context=world.context(), app="my-app", environment="production", break_glass=True, reason="the site is down"
        )
        asked = await world.service.start(await world.shown(ask, "dee"), await world.person("dee"))
        await world.engine.settle()
    else:
        asked = await world.deploy("ana")
        await vote(world, asked)
    assert outages.away
    await wait(world, outages, seconds)
    done = await world.now(asked)
    assert done.phase is Phase.SUCCEEDED
    assert done.commit is not None
    assert world.promotion_commits() == [asked.id]
    assert [row.event for row in await world.audit.rows() if row.event == "committed"] == ["committed"]
    assert [review.promotion_id for review in await world.reviews.open()] == ([asked.id] if break_glass else [])


async def test_what_was_pushed_and_taken_back_by_hand_is_not_pushed_again(world: CoreWorld) -> None:
    """The line shows what the approvers saw, as if nothing had happened: our commit is in the history all the same."""
    outages = Outages(world.database)
    push = world.overlays.commit

    async def pushed(change: Change, expected_head: str) -> Commit:
        made = await push(change, expected_head)
        outages.begin()
        return made

    world.overlays.commit = pushed  # type: ignore[method-assign]
    asked = await world.deploy("ana")
    await vote(world, asked)
    assert outages.away
    world.overlays.push({path("production"): kustomization("v1.4.1")}, "Take it back")
    await wait(world, outages, 75)
    assert world.promotion_commits() == [asked.id]
    assert world.overlay("production") == kustomization("v1.4.1").decode()


@pytest.mark.parametrize("table", ["audit", "promotions"])
async def test_one_table_that_cannot_be_written_is_a_database_that_is_away(world: CoreWorld, table: str) -> None:
    """An audit that is not writable, and its neighbours: the effect waits for its record."""
    asked = await world.deploy("ana")
    outages = Outages(world.database, lambda: sqlite3.OperationalError("attempt to write a readonly database"), table)
    outages.begin()
    await vote(world, asked)
    assert (world.promotion_commits(), bool(outages.failed)) == ([], True)
    await wait(world, outages, 75)
    if not (await world.now(asked)).phase.final:
        await vote(world, asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    await check_told_once(world, asked)


async def test_an_audit_that_a_trigger_forbids_is_away_and_not_a_repetition(world: CoreWorld) -> None:
    async with world.database.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER shut BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the audit is shut'); END"
        )
    with pytest.raises(DatabaseAway, match="the audit is shut"):
        await world.audit.record(AuditEntry("test", "ana"))
    asked = await world.deploy("ana")
    await world.engine.pass_time(timedelta(minutes=45))
    assert (await world.now(asked)).phase is Phase.RUNNING
    async with world.database.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER shut")
    await world.engine.pass_time(timedelta(minutes=2))
    await world.approve("bo", asked)
    await check_told_once(world, asked)
