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
from tests.fakes.world import House, house, kustomization, path
from tests.unit.bot.workflow.test_crashes import STEPS

SECONDS = (5, 75, 3000)
ERRORS: dict[str, Callable[[], Exception]] = {
    "locked": lambda: sqlite3.OperationalError("database is locked"),
    "full": lambda: sqlite3.OperationalError("database or disk is full"),
    "read-only": lambda: sqlite3.OperationalError("attempt to write a readonly database"),
    "broken disk": lambda: sqlite3.OperationalError("disk I/O error"),
    "no file": lambda: sqlite3.OperationalError("unable to open database file"),
}


async def wait(home: House, outages: Outages | WriteLock, seconds: float) -> None:
    """Virtual seconds of outage, then as long as the longest pause between two tries."""
    for _ in range(10):
        await home.engine.pass_time(timedelta(seconds=seconds / 10))
    outages.away = False
    for _ in range(8):
        await home.engine.pass_time(timedelta(seconds=61))


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


def arm(home: House, outages: Outages | WriteLock, step: str) -> None:
    def begin(name: str) -> None:
        if name == step:
            outages.begin()
            home.engine.on_step = lambda _: None

    home.engine.on_step = begin


async def check_told_once(home: House, asked: Promotion) -> None:
    assert home.promotion_commits() == [asked.id]
    told = Counter(row.event for row in await home.audit.rows())
    assert (told["requested"], told["approve"], told["committed"], told["succeeded"]) == (1, 1, 1, 1)
    assert await home.audit.verify() is None
    assert await home.store.all_live() == ()
    assert await home.store.live("my-app", "production") is None


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("step", STEPS)
async def test_an_outage_that_begins_at_any_step_changes_nothing_about_the_end(
    home: House, step: str, seconds: int
) -> None:
    outages = Outages(home.database)
    arm(home, outages, step)
    asked = await home.deploy("ana")
    if outages.away:
        await wait(home, outages, seconds)
    await vote(home, asked)
    if outages.away:
        await wait(home, outages, seconds)
    assert outages.failed
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    await check_told_once(home, asked)


async def test_an_outage_of_hours_breaks_no_story(home: House) -> None:
    """The pauses double, and once grew beyond what a time can hold."""
    outages = Outages(home.database)
    arm(home, outages, "ask-people#1")
    asked = await home.deploy("ana")
    for _ in range(70):
        await home.engine.pass_time(timedelta(seconds=61))
    assert outages.failed
    outages.away = False
    await home.engine.pass_time(timedelta(seconds=61))
    await vote(home, asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits this long for a lock, in place of fifteen seconds."""
    monkeypatch.setattr("bot.store.database.BUSY_SECONDS", 0.02)


@pytest.mark.parametrize("step", STEPS)
async def test_a_write_lock_that_another_process_holds_changes_nothing_about_the_end(
    short: None, tmp_path: Path, step: str
) -> None:
    """The real lock, not an error that was made up: what is read meanwhile is there, and what is written is not."""
    async with house(tmp_path) as home:
        lock = WriteLock(home.database)
        try:
            arm(home, lock, step)
            asked = await home.deploy("ana")
            if lock.away:
                await wait(home, lock, 75)
            await vote(home, asked)
            if lock.away:
                await wait(home, lock, 75)
            assert lock.failed
            assert (await home.now(asked)).phase is Phase.SUCCEEDED
            await check_told_once(home, asked)
        finally:
            lock.close()


async def vote(home: House, asked: Promotion) -> None:
    """The service looks at the record after the word was sent, and may find it away: the word is heard all the same."""
    try:
        await home.approve("bo", asked)
    except DatabaseAway:
        await home.engine.settle()


@pytest.mark.parametrize(("error", "seconds"), [*((error, 75) for error in ERRORS), ("locked", 5), ("locked", 3000)])
@pytest.mark.parametrize("break_glass", [False, True])
async def test_what_was_pushed_is_written_down_when_the_database_is_back(
    home: House, error: str, seconds: int, break_glass: bool
) -> None:
    """Between push and record: production has changed, and the database does not take it."""
    outages = Outages(home.database, ERRORS[error])
    push = home.overlays.commit

    async def pushed(change: Change, expected_head: str) -> Commit:
        made = await push(change, expected_head)
        outages.begin()
        return made

    home.overlays.commit = pushed  # type: ignore[method-assign]
    if break_glass:
        ask = Deploy(
            context=home.context(), app="my-app", environment="production", break_glass=True, reason="the site is down"
        )
        asked = await home.service.start(await home.shown(ask, "dee"), await home.person("dee"))
        await home.engine.settle()
    else:
        asked = await home.deploy("ana")
        await vote(home, asked)
    assert outages.away
    await wait(home, outages, seconds)
    done = await home.now(asked)
    assert done.phase is Phase.SUCCEEDED
    assert done.commit is not None
    assert home.promotion_commits() == [asked.id]
    assert [row.event for row in await home.audit.rows() if row.event == "committed"] == ["committed"]
    assert [review.promotion_id for review in await home.reviews.open()] == ([asked.id] if break_glass else [])


async def test_what_was_pushed_and_taken_back_by_hand_is_not_pushed_again(home: House) -> None:
    """The line shows what the approvers saw, as if nothing had happened: our commit is in the history all the same."""
    outages = Outages(home.database)
    push = home.overlays.commit

    async def pushed(change: Change, expected_head: str) -> Commit:
        made = await push(change, expected_head)
        outages.begin()
        return made

    home.overlays.commit = pushed  # type: ignore[method-assign]
    asked = await home.deploy("ana")
    await vote(home, asked)
    assert outages.away
    home.overlays.push({path("production"): kustomization("v1.4.1")}, "Take it back")
    await wait(home, outages, 75)
    assert home.promotion_commits() == [asked.id]
    assert home.overlay("production") == kustomization("v1.4.1").decode()


@pytest.mark.parametrize("table", ["audit", "promotions"])
async def test_one_table_that_cannot_be_written_is_a_database_that_is_away(home: House, table: str) -> None:
    """An audit that is not writable, and its neighbours: the effect waits for its record."""
    asked = await home.deploy("ana")
    outages = Outages(home.database, lambda: sqlite3.OperationalError("attempt to write a readonly database"), table)
    outages.begin()
    await vote(home, asked)
    assert (home.promotion_commits(), bool(outages.failed)) == ([], True)
    await wait(home, outages, 75)
    if not (await home.now(asked)).phase.final:
        await vote(home, asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    await check_told_once(home, asked)


async def test_an_audit_that_a_trigger_forbids_is_away_and_not_a_repetition(home: House) -> None:
    async with home.database.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER shut BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the audit is shut'); END"
        )
    with pytest.raises(DatabaseAway, match="the audit is shut"):
        await home.audit.record(AuditEntry("test", "ana"))
    asked = await home.deploy("ana")
    await home.engine.pass_time(timedelta(minutes=45))
    assert (await home.now(asked)).phase is Phase.RUNNING
    async with home.database.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER shut")
    await home.engine.pass_time(timedelta(minutes=2))
    await home.approve("bo", asked)
    await check_told_once(home, asked)
