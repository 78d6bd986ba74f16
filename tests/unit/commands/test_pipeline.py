"""Pipeline runs from chat: started with what policy fixes, explained when they fail, ended and repeated by who may."""

import pytest

from bot.domain.caller import Permission
from bot.domain.errors import Conflict, InvalidCommand, NotAllowed, Unavailable, UnknownName
from bot.domain.intent import Context
from bot.domain.pipeline import PipelineRun, RunStatus
from bot.domain.reply import RunDetail, RunList, RunLog
from tests.fakes.command_harness import CommandHarness
from tests.sentences import says


async def started(harness: CommandHarness, typed: str = "/pipeline run my-app", user: str = "U0ANA") -> PipelineRun:
    reply = await harness.run(typed, user)
    assert isinstance(reply, RunDetail)
    assert reply.note == "Started."
    return reply.run


async def test_a_run_gets_what_policy_fixes_with_app_and_revision_filled_in() -> None:
    run = await started(CommandHarness(), "/pipeline run my-app feature/login level=debug")
    assert (run.pipeline, run.app, run.requester) == ("ci-pipeline", "my-app", "U0ANA")
    assert run.params == {
        "repo-url": "https://git.example.com/my-app",
        "revision": "feature/login",
        "level": "debug",
    }


async def test_without_a_revision_the_pipelines_own_default_stays() -> None:
    assert "revision" not in (await started(CommandHarness())).params


@pytest.mark.parametrize("given", ["repo-url=https://evil.example/x", "revision=main"])
async def test_what_policy_fixes_nobody_overrides(given: str) -> None:
    harness = CommandHarness()
    with pytest.raises(InvalidCommand, match="is fixed by policy for my-app"):
        await harness.run(f"/pipeline run my-app {given}", "U0DEE")
    assert await harness.pipelines.list("", 1) == ()


@pytest.mark.parametrize(
    "given",
    [
        "manifest-url=https://evil.example/overlays.git",
        "manifest-url=<https://evil.example/overlays.git>",
        "mirror=git@evil.example:overlays.git",
        "image=harbor.example.com/apps/ledger",
        "registry=localhost:5000/ledger",
        "url=ext::sh -c id://",
    ],
)
async def test_nobody_sends_a_runs_credentials_elsewhere(given: str) -> None:
    """The platform's pipeline pushes to what `manifest-url` says, with the token that may write production."""
    harness = CommandHarness()
    with pytest.raises(InvalidCommand, match="is an address"):
        await harness.run(f'/pipeline run my-app "{given}"' if " " in given else f"/pipeline run my-app {given}")
    assert await harness.pipelines.list("", 1) == ()


@pytest.mark.parametrize(
    "given", ["dockerfile=docker/Dockerfile", "test-command=./run-tests", "when=10:30", "n=../up/x"]
)
async def test_what_is_no_address_may_be_given(given: str) -> None:
    name, _, value = given.partition("=")
    assert (await started(CommandHarness(), f"/pipeline run my-app main {given}")).params[name] == value


async def test_the_same_request_starts_one_run() -> None:
    harness = CommandHarness()
    assert (await started(harness)).name == (await started(harness)).name


async def test_runs_are_listed_newest_first_and_only_those_that_one_may_see() -> None:
    harness = CommandHarness()
    first = await started(harness)
    await harness.run(await harness.read("/pipeline run ledger", context(2)), "U0ANA")
    shown = await harness.run("/pipeline list")
    assert isinstance(shown, RunList)
    assert [run.app for run in shown.runs] == ["ledger", "my-app"]
    own = await harness.run("/pipeline list", "U0CY")
    assert isinstance(own, RunList)
    assert [run.name for run in own.runs] == [first.name]


async def test_a_failed_run_says_why_in_one_sentence_with_the_last_lines_of_that_step() -> None:
    harness = CommandHarness()
    run = await started(harness)
    harness.pipelines.fail(run.name, "run-tests", "test")
    shown = await harness.run(f"/pipeline show {run.name}")
    assert isinstance(shown, RunDetail)
    assert says(shown.failure, "run-tests", "failed", '"test"', "exit code 1")
    assert shown.log
    assert (shown.log.task, shown.log.step, shown.log.lines[-1]) == ("run-tests", "test", "1 failed, 41 passed")


async def test_a_run_that_goes_on_or_went_well_explains_nothing() -> None:
    harness = CommandHarness()
    run = await started(harness)
    assert await harness.run(f"/pipeline show {run.name}") == RunDetail(run)
    done = harness.pipelines.finish(run.name)
    assert await harness.run(f"/pipeline show {run.name}") == RunDetail(done)


async def test_logs_that_cannot_be_read_do_not_hide_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = CommandHarness()
    run = harness.pipelines.fail((await started(harness)).name)

    async def down(*_: object) -> None:
        raise Unavailable("Kubernetes", "read logs", "timeout")

    monkeypatch.setattr(harness.pipelines, "logs", down)
    shown = await harness.run(f"/pipeline show {run.name}")
    assert isinstance(shown, RunDetail)
    assert shown.run == run
    assert "cannot be read" in shown.note


async def test_logs_are_all_of_them() -> None:
    harness = CommandHarness()
    run = harness.pipelines.finish((await started(harness)).name)
    shown = await harness.run(f"/pipeline logs {run.name}")
    assert isinstance(shown, RunLog)
    assert [log.task for log in shown.logs] == ["fetch-source", "run-tests", "build-push"]


async def test_cancel_is_for_those_who_may_run_and_for_runs_that_go_on() -> None:
    harness = CommandHarness()
    run = await started(harness)
    with pytest.raises(NotAllowed, match="`run-pipeline` permission for my-app"):
        await harness.run(f"/pipeline cancel {run.name}", "U0CY")
    shown = await harness.run(f"/pipeline cancel {run.name}")
    assert isinstance(shown, RunDetail)
    assert shown.run.status is RunStatus.CANCELLED
    with pytest.raises(Conflict, match="is over already: Cancelled"):
        await harness.run(f"/pipeline cancel {run.name}")


async def test_retry_makes_a_new_run_like_the_old_one_for_who_asks() -> None:
    harness = CommandHarness()
    run = await started(harness, "/pipeline run my-app v1")
    with pytest.raises(Conflict, match="has not ended"):
        await harness.run(f"/pipeline retry {run.name}")
    harness.pipelines.fail(run.name)
    again = await harness.run(await harness.read(f"/pipeline retry {run.name}", context(2)), "U0BO")
    assert isinstance(again, RunDetail)
    assert again.run.name != run.name
    assert (again.run.params, again.run.requester) == (run.params, "U0BO")


@pytest.mark.parametrize("verb", ["show", "logs", "cancel", "retry"])
async def test_a_run_that_is_not_there_is_said_so(verb: str) -> None:
    with pytest.raises(UnknownName, match="`/pipeline list` shows the newest"):
        await CommandHarness().run(f"/pipeline {verb} gone-1")


async def test_a_run_without_an_app_is_for_those_who_may_everywhere() -> None:
    harness = CommandHarness()
    run = await started(harness)
    harness.pipelines._put(PipelineRun("stray-1", "ci", "ci-pipeline", RunStatus.RUNNING))
    with pytest.raises(UnknownName):
        await harness.run("/pipeline show stray-1", "U0CY")
    assert isinstance(await harness.run("/pipeline show stray-1", "U0DEE"), RunDetail)
    assert harness.registry.named("pipeline cancel").allow is Permission.RUN_PIPELINE
    assert isinstance(await harness.run(f"/pipeline show {run.name}", "U0CY"), RunDetail)


def context(number: int) -> Context:
    return Context(f"r{number}", "C0DEPLOY", f"c{number}", "T0PILOT")


async def test_a_started_run_is_followed_where_it_was_asked_for() -> None:
    harness = CommandHarness()
    run = await started(harness)
    assert harness.following.followed == [(run.name, "C0DEPLOY")]
