"""The very same request a second time: a process did what it asks for, and died before it answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import Conflict, UnknownName
from bot.domain.intent import Context, Deploy, SyncAction, SyncApplication
from bot.domain.pipeline import RunRequest, RunStatus
from bot.domain.queueing import Waiting
from bot.domain.reply import Reply, RunDetail, Subscribed, SyncAsked, Told
from bot.notify.ledger import DONE_BEFORE
from bot.promotions.schedule import id_of
from bot.store.queue import QueueStore
from tests.fakes.command_harness import CommandHarness
from tests.unit.commands.test_people import owe
from tests.unit.commands.test_sync import RUNNING, put

FIRST = Context("r2", "C0DEPLOY", "c", "T0PILOT")
AGAIN = replace(FIRST, again=True)


async def say(harness: CommandHarness, line: str, context: Context = FIRST, user: str = "U0BO") -> Reply:
    return await harness.run(await harness.read(line, context), user)


async def words(harness: CommandHarness, line: str, context: Context = FIRST, user: str = "U0BO") -> str:
    reply = await say(harness, line, context, user)
    assert isinstance(reply, Told | Subscribed)
    return reply.sentence


async def waits(harness: CommandHarness) -> Waiting:
    wish = Deploy(context=Context("r1", "C0DEPLOY", "c"), app="my-app", environment="production")
    waiting = Waiting(replace(wish, start_at=datetime.now(UTC) + timedelta(hours=2)), "U0BO", "", datetime.now(UTC))
    async with harness.safety.database.begin() as connection:
        await QueueStore(harness.safety.database).add(connection, waiting)
    return waiting


BEFORE = Context("r1", "C0DEPLOY", "c", "T0PILOT")


@pytest.mark.parametrize(
    ("before", "line", "first"),
    [
        ("/lock my-app prod for 2h the release party", "/unlock my-app prod", "is unlocked"),
        ("/freeze prod for 2h holiday season", "/unfreeze prod", "is over"),
        ("/reject my-app@1.4.2 it leaks memory", "/unreject my-app@1.4.2", "may be promoted again"),
        ("/delegate <@U0MIA|mia> until fri", "/delegate off", "no longer stands in"),
    ],
)
async def test_what_was_ended_is_said_to_be_done(harness: CommandHarness, before: str, line: str, first: str) -> None:
    await say(harness, before, BEFORE)
    assert first in await words(harness, line)
    assert await words(harness, line, AGAIN) == DONE_BEFORE
    other = await words(harness, line, replace(AGAIN, request_id="r3"))
    assert other != DONE_BEFORE  # another request did nothing


async def test_what_was_taken_off_the_queue_is_said_to_be_done(harness: CommandHarness) -> None:
    line = f"/schedule cancel {id_of(await waits(harness))}"
    assert "does not start" in await words(harness, line)
    assert await words(harness, line, AGAIN) == DONE_BEFORE
    with pytest.raises(UnknownName, match="Nothing is scheduled"):
        await say(harness, line, replace(AGAIN, request_id="r3"))
    assert await harness.safety.events() == ["unscheduled"]


async def test_a_review_that_was_closed_is_said_to_be_done(harness: CommandHarness) -> None:
    await owe(harness)
    assert "is closed" in await words(harness, "/review p-abc the right call")
    assert await words(harness, "/review p-abc the right call", AGAIN) == DONE_BEFORE
    with pytest.raises(Conflict, match="closed this review already"):
        await say(harness, "/review p-abc the right call", replace(AGAIN, request_id="r3"))


@pytest.mark.parametrize(
    ("before", "line", "first", "again"),
    [
        ("/subscribe my-app", "/unsubscribe my-app", "Removed 1 subscription.", "No such subscription is left."),
        ("/pilothouse mute my-app for 2h", "/pilothouse unmute my-app", "no longer", "None of that is muted now."),
        ("/pilothouse mute for 2h", "/pilothouse unmute", "all the news again", "Nothing is muted for you now."),
        ("/pilothouse mute", "/pilothouse mute off", "I ask you for approvals", "Nothing is muted for you now."),
    ],
)  # fmt: skip
async def test_what_nobody_counts_twice_is_told_as_it_is_now(
    harness: CommandHarness, before: str, line: str, first: str, again: str
) -> None:
    await say(harness, before, BEFORE)
    assert first in await words(harness, line)
    assert again in await words(harness, line, AGAIN)
    assert again not in await words(harness, line, replace(FIRST, request_id="r3"))


async def test_a_run_that_was_cancelled_is_shown_as_such(harness: CommandHarness) -> None:
    run = await harness.pipelines.start(RunRequest("r1", "ci-pipeline", "my-app", {}, "U0BO"))
    await say(harness, f"/pipeline cancel {run.name}")
    shown = await say(harness, f"/pipeline cancel {run.name}", AGAIN)
    assert isinstance(shown, RunDetail)
    assert (shown.run.status, shown.note) == (RunStatus.CANCELLED, "Cancelled.")


async def test_a_run_that_ended_otherwise_was_not_cancelled(harness: CommandHarness) -> None:
    run = await harness.pipelines.start(RunRequest("r1", "ci-pipeline", "my-app", {}, "U0BO"))
    harness.pipelines.finish(run.name)
    with pytest.raises(Conflict, match="is over already: Succeeded"):
        await say(harness, f"/pipeline cancel {run.name}", AGAIN)


async def press(harness: CommandHarness, asked: SyncAsked, context: Context) -> str:
    ask = SyncApplication(context=context, app=asked.app, environment=asked.environment, action=asked.action,
                          shown=asked.shown)  # fmt: skip
    reply = await harness.run(ask, "U0BO")
    assert isinstance(reply, Told)
    return reply.sentence


async def test_a_sync_that_was_stopped_is_not_said_to_have_never_run(harness: CommandHarness) -> None:
    put(harness, operation=RUNNING)
    asked = await say(harness, "/sync my-app prod --terminate")
    assert isinstance(asked, SyncAsked)
    assert "You have asked Argo CD to stop" in await press(harness, asked, replace(FIRST, request_id="press"))
    again = await press(harness, asked, replace(AGAIN, request_id="press"))
    assert "stopped before it could tell you" in again
    assert "No sync is running" in await press(harness, asked, replace(AGAIN, request_id="r9"))


async def test_a_sync_that_was_begun_is_not_taken_for_somebody_elses(harness: CommandHarness) -> None:
    asked = await say(harness, "/sync my-app prod")
    assert isinstance(asked, SyncAsked)
    assert asked.action is SyncAction.SYNC
    first = await press(harness, asked, replace(FIRST, request_id="press"))
    put(harness, operation=RUNNING)
    assert await press(harness, asked, replace(AGAIN, request_id="press")) == first
    assert "running there already" in await press(harness, asked, replace(AGAIN, request_id="r9"))
    assert await harness.safety.events() == ["sync"]
    assert len(await harness.safety.told("C0DEPLOY")) == 1
