"""The message of a pipeline run: posted when it is started, edited until it has ended, also by the next process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from bot.background.builds import Builds
from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.errors import DatabaseAway, Refused, Unavailable
from bot.domain.pipeline import PipelineRun, RunRequest, RunStatus, StepLog, TaskStatus
from bot.domain.subscription import NewsMute, Scope
from bot.notify import run_cards as module
from bot.notify.messages import Bulletins
from bot.notify.run_cards import RunCards
from bot.notify.run_pings import RunPings
from bot.policy import parse
from bot.store.followed_runs import FollowedRunStore, followed_runs
from bot.store.subscriptions import SubscriptionStore
from tests.fakes.applications import MemoryApplications
from tests.fakes.messenger import FakeMessenger
from tests.fakes.pipelines import MemoryPipelines
from tests.fakes.queues import delivered
from tests.sentences import says
from tests.unit.bot.notify.conftest import Process, Start
from tests.waiting import until

RUN = PipelineRun("my-app-x7k2p", "ci", "ci-pipeline", RunStatus.RUNNING, app="my-app", requester="U0ANA")
FETCHED = replace(RUN, tasks=(TaskStatus("fetch-source", RunStatus.SUCCEEDED),))
FAILED = replace(
    RUN, status=RunStatus.FAILED, tasks=(TaskStatus("run-tests", RunStatus.FAILED, message="exit code 1"),)
)


@dataclass
class Stream:
    """What the cluster tells, then silence; `refusals` come first."""

    told: list[PipelineRun] = field(default_factory=list)
    refusals: int = 0

    async def changes(self) -> AsyncIterator[PipelineRun]:
        if self.refusals:
            self.refusals -= 1
            raise Refused("Kubernetes", "watch pipelineruns", "403")
        for run in self.told:
            yield run


async def failure(run: PipelineRun) -> tuple[str, StepLog | None]:
    if run.status is not RunStatus.FAILED:
        return "", None
    return "run-tests failed: exit code 1.", StepLog("run-tests", "unit", ("FAILED test_x.py",))


async def free(_run: PipelineRun) -> str:
    return ""


async def nothing(_run: PipelineRun) -> None:
    """Nobody waits for what was built."""


async def cards(bot: Process, messenger: FakeMessenger, stream: Stream) -> RunCards:
    async with bot.database.engine.begin() as connection:
        await connection.run_sync(followed_runs.create, checkfirst=True)
    bulletins = Bulletins(bot.messages, messenger, clock=bot.outbox._clock)
    pings = RunPings(bot.database, bot.outbox, "development")
    return RunCards(
        MemoryPipelines(),
        stream,
        FollowedRunStore(bot.database),
        bulletins,
        failure,
        free,
        nothing,
        lambda run: None,
        pings.put,
    )


async def test_it_is_edited_until_the_run_has_ended(bot: Process, messenger: FakeMessenger) -> None:
    stream = Stream([RUN, replace(RUN, name="somebody-elses"), FETCHED])
    followed = await cards(bot, messenger, stream)
    await followed.follow(RUN, "C0DEPLOY")
    await followed.keep()
    await delivered(bot.outbox)
    [message] = messenger.in_channel("C0DEPLOY")
    assert "fetch-source" in str(message.shown.blocks)
    stream.told = [FAILED, FETCHED]
    await followed.keep()
    await delivered(bot.outbox)
    message, _ping = messenger.in_channel("C0DEPLOY")
    assert "run-tests failed: exit code 1." in message.shown.text
    assert "FAILED test_x.py" in str(message.shown.blocks)


async def test_the_next_process_catches_up(bot: Process, messenger: FakeMessenger) -> None:
    await (await cards(bot, messenger, Stream())).follow(RUN, "C0DEPLOY")
    await (await cards(bot, messenger, Stream([FAILED]))).keep()
    await delivered(bot.outbox)
    message, _ping = messenger.in_channel("C0DEPLOY")
    assert "Failed" in message.shown.text


async def test_a_log_that_cannot_be_read_does_not_keep_the_end_back(bot: Process, messenger: FakeMessenger) -> None:
    followed = await cards(bot, messenger, Stream([FAILED]))

    async def away(_run: PipelineRun) -> tuple[str, StepLog | None]:
        raise Unavailable("Kubernetes", "read a log", "timeout")

    followed._explain = away
    await followed.follow(RUN, "C0DEPLOY")
    await followed.keep()
    await delivered(bot.outbox)
    assert "❌ Failed" in messenger.in_channel("C0DEPLOY")[0].shown.text


async def test_a_cluster_that_refuses_is_asked_again(
    bot: Process, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    followed = await cards(bot, messenger, Stream([FAILED], refusals=2))
    await followed.follow(RUN, "C0DEPLOY")
    keeping = asyncio.create_task(followed.keep_forever())
    delivering = asyncio.create_task(bot.outbox.deliver_forever())
    await until(lambda: "❌ Failed" in messenger.in_channel("C0DEPLOY")[0].shown.text)
    for task in (keeping, delivering):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_argo_cd_is_asked_to_look_once_a_followed_run_has_succeeded(
    bot: Process, messenger: FakeMessenger
) -> None:
    """And for no other run: not one that goes on or failed, nor one that nobody follows."""
    done = replace(RUN, status=RunStatus.SUCCEEDED)
    followed = await cards(bot, messenger, Stream([RUN, replace(done, name="somebody-elses"), done, done]))
    argocd = MemoryApplications()
    for environment in ("development", "production"):
        ref = ApplicationRef(f"my-app-{environment}", environment)
        argocd.put(Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, "before"))
        argocd.push(ref.name, "after")
    followed._built = Builds(parse(""), argocd).arrived
    await followed.follow(RUN, "C0DEPLOY")
    await followed.keep()
    assert {app.ref.name: app.revision for app in await argocd.list("")} == {
        "my-app-development": "after",
        "my-app-production": "before",
    }
    argocd.failing = Unavailable("Argo CD", "refresh", "no connection")
    await followed.follow(RUN, "C0DEPLOY")
    await followed.keep()


async def test_a_run_that_was_deleted_while_the_bot_was_down_ends_as_deleted(
    bot: Process, messenger: FakeMessenger
) -> None:
    """No stream tells of it; one that is there goes on, whatever its stream has told."""
    followed = await cards(bot, messenger, Stream())
    pipelines = MemoryPipelines()
    followed._pipelines = pipelines
    there = await pipelines.start(RunRequest("r-1", "ci-pipeline", "my-app", {}, "U0ANA"))
    for run in (RUN, there):
        await followed.follow(run, "C0DEPLOY")
    await followed.look()
    await delivered(bot.outbox)
    gone, goes_on = messenger.in_channel("C0DEPLOY")
    assert "Deleted" in gone.shown.text
    assert "its end was not seen" in str(gone.shown.blocks)
    assert "Deleted" not in goes_on.shown.text
    assert await followed._store.all() == (there.name,)


async def test_the_stream_waits_for_a_database_that_is_away(
    bot: Process, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed and opened again it would not tell of a run that was deleted meanwhile."""
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    followed, heard, asked = await cards(bot, messenger, Stream([RUN, FETCHED])), list[PipelineRun](), 0
    channels = followed._store.channels

    async def away(run: str) -> dict[str, str]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise DatabaseAway("read", "no connection")
        return await channels(run)

    monkeypatch.setattr(followed._store, "channels", away)
    followed._heard = heard.append
    await followed.keep()
    assert heard == [RUN, FETCHED]
    assert asked == 4


@pytest.mark.parametrize("error", [Unavailable("tekton", "list", "away"), Refused("tekton", "list", "HTTP 403")])
async def test_what_cannot_be_looked_up_is_not_called_deleted(
    bot: Process, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Where Tekton is on its way out every run is "not found": only a list proves that runs can be there."""
    followed = await cards(bot, messenger, Stream())
    await followed.follow(RUN, "C0DEPLOY")

    async def away(_app: str, _limit: int) -> tuple[PipelineRun, ...]:
        raise error

    monkeypatch.setattr(followed._pipelines, "list", away)
    with pytest.raises(type(error)):
        await followed.look()
    assert await followed._store.all() == (RUN.name,)


async def test_looking_goes_on_whatever_breaks(
    bot: Process, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    followed = await cards(bot, messenger, Stream())
    await followed.follow(RUN, "C0DEPLOY")
    pipelines = MemoryPipelines(failing=Unavailable("tekton", "read", "away"))
    followed._pipelines = pipelines
    looking = asyncio.create_task(followed.look_forever())
    await asyncio.sleep(0.05)
    pipelines.failing = None
    while await followed._store.all():  # noqa: ASYNC110 (another task)
        await asyncio.sleep(0.01)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking


def pings(messenger: FakeMessenger) -> list[str]:
    root, *below = messenger.in_channel("C0DEPLOY")
    assert all(message.thread == root.posted.ts for message in below), "they lead to the run's message"
    return [message.shown.text for message in below]


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (FAILED, ("❌", "failed", "run-tests failed: exit code 1.")),
        (replace(RUN, status=RunStatus.SUCCEEDED), ("✅", "succeeded")),
        (replace(RUN, status=RunStatus.CANCELLED), ("🛑", "was cancelled")),
    ],
    ids=["failed", "succeeded", "cancelled"],
)
async def test_its_end_wakes_the_requester_once(
    bot: Process, messenger: FakeMessenger, end: PipelineRun, words: tuple[str, ...]
) -> None:
    followed = await cards(bot, messenger, Stream([RUN, FETCHED]))
    await followed.follow(RUN, "C0DEPLOY")
    await followed.keep()
    await delivered(bot.outbox)
    assert pings(messenger) == [], "it has not ended"
    followed._stream = Stream([end, end])
    await followed.keep()
    await delivered(bot.outbox)
    [ping] = pings(messenger)
    assert says(ping, words[0], "<@U0ANA>", RUN.name, *words[1:])


async def test_the_end_that_came_while_the_bot_was_down_wakes_the_requester_too(
    start: Start, bot: Process, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the process dies between the letter and the note that nothing is left to follow."""
    await (await cards(bot, messenger, Stream())).follow(RUN, "C0DEPLOY")
    second = await start()
    dying = await cards(second, messenger, Stream([FAILED]))

    async def killed(_run: str, _channels: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(dying._store, "forget", killed)
    with pytest.raises(asyncio.CancelledError):
        await dying.keep()
    await delivered(second.outbox)
    third = await start()
    await (await cards(third, messenger, Stream([FAILED]))).keep()
    await delivered(third.outbox)
    assert len(pings(messenger)) == 1


@pytest.mark.parametrize("requester", ["", "github", "dev@example.com", "<!channel>"])
async def test_whoever_is_no_person_on_slack_is_not_woken(
    bot: Process, messenger: FakeMessenger, requester: str
) -> None:
    followed = await cards(bot, messenger, Stream([replace(FAILED, requester=requester)]))
    await followed.follow(replace(RUN, requester=requester), "C0DEPLOY")
    await followed.keep()
    await delivered(bot.outbox)
    assert pings(messenger) == []


async def test_a_run_that_nobody_started_from_slack_wakes_nobody(bot: Process, messenger: FakeMessenger) -> None:
    """Its labels may name a person all the same."""
    await (await cards(bot, messenger, Stream([FAILED]))).keep()
    await delivered(bot.outbox)
    assert messenger.messages == []


@pytest.mark.parametrize("scope", [Scope(), Scope(app="my-app"), Scope(environment="development")], ids=str)
async def test_a_mute_does_not_hold_back_the_end_that_its_setter_asked_for(
    bot: Process, messenger: FakeMessenger, scope: Scope
) -> None:
    until = datetime(2999, 1, 1, tzinfo=UTC)
    await SubscriptionStore(bot.database).mute([NewsMute("U0ANA", scope, until)])
    followed = await cards(bot, messenger, Stream([FAILED]))
    await followed.follow(RUN, "C0DEPLOY")
    await followed.keep()
    await delivered(bot.outbox)
    assert len(pings(messenger)) == 1


async def test_one_that_is_followed_in_two_channels_wakes_once(bot: Process, messenger: FakeMessenger) -> None:
    followed = await cards(bot, messenger, Stream([FAILED]))
    for channel in ("C0OTHER", "C0DEPLOY"):
        await followed.follow(RUN, channel)
    await followed.keep()
    await delivered(bot.outbox)
    assert len(pings(messenger)) == 1
    assert len(messenger.in_channel("C0OTHER")) == 1
