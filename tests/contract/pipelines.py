"""What everything that runs pipelines must do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, cast

import pytest

from bot.domain.errors import NotFound, Refused
from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, RunStatus
from bot.ports import PipelineRetries, Pipelines, PipelineStream

PARAMS = {"repo-url": "https://git.example.com/my-app.git", "image": "harbor.example.com/apps/my-app"}
REQUEST = RunRequest("request-1", "ci-pipeline", "my-app", PARAMS, "U0ANA", revision="main")


def ended(run: PipelineRun) -> bool:
    return {task.status for task in run.tasks} == {RunStatus.SUCCEEDED}


class Runner(Pipelines, PipelineRetries, PipelineStream, Protocol):
    """All ports of a Tekton."""


class World(Protocol):
    """A Tekton with the pipeline ci-pipeline; runs end only when they are told to."""

    runner: Runner

    async def begin(self, name: str) -> None:
        """Until it runs."""

    async def finish(self, name: str) -> None:
        """Until it is over."""

    async def fail(self, name: str) -> None:
        """Until it is over, failed in the task run-tests."""


class PipelineContract:
    """Subclasses give the fixture `world`."""

    async def test_a_run_is_tied_to_its_app_and_its_requester(self, world: World) -> None:
        """T13: by labels that it has from the first moment; the controller adds its own later."""
        run = await world.runner.start(REQUEST)
        assert not run.done
        assert (run.app, run.requester, run.pipeline) == ("my-app", "U0ANA", "ci-pipeline")
        assert run.params == {**PARAMS, "revision": "main"}
        assert run.created_at is not None
        assert (await world.runner.get(run.name)).name == run.name

    async def test_one_request_makes_one_run(self, world: World) -> None:
        first = await world.runner.start(REQUEST)
        second = await world.runner.start(REQUEST)
        other = await world.runner.start(replace(REQUEST, id="request-2"))
        assert first.name == second.name != other.name
        assert len(await world.runner.list("my-app", 10)) == 2

    async def test_a_request_repeated_at_the_same_moment_makes_one_run(self, world: World) -> None:
        runs = await asyncio.gather(*(world.runner.start(REQUEST) for _ in range(5)))
        assert len({run.name for run in runs}) == 1

    async def test_an_unknown_pipeline_or_run_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.runner.start(replace(REQUEST, pipeline="nowhere"))
        for unknown in ("nobody", "a/b", "..", "Ä ?"):
            with pytest.raises(NotFound):
                await world.runner.get(unknown)
        with pytest.raises(NotFound):
            await world.runner.cancel("nobody", CancelMode.NOW)
        with pytest.raises(NotFound):
            await world.runner.logs("nobody", 10)

    async def test_runs_are_listed_by_app(self, world: World) -> None:
        mine = await world.runner.start(REQUEST)
        theirs = await world.runner.start(replace(REQUEST, id="request-2", app="ledger"))
        assert {run.name for run in await world.runner.list("", 10)} == {mine.name, theirs.name}
        assert [run.name for run in await world.runner.list("ledger", 10)] == [theirs.name]
        assert await world.runner.list("nothing", 10) == ()
        assert len(await world.runner.list("", 1)) == 1

    async def test_a_run_that_ends_well_tells_its_results(self, world: World) -> None:
        run = await world.runner.start(REQUEST)
        await world.begin(run.name)
        assert (await world.runner.get(run.name)).status is RunStatus.RUNNING
        await world.finish(run.name)
        ended = await world.runner.get(run.name)
        assert ended.status is RunStatus.SUCCEEDED
        assert ended.results["digest"].startswith("sha256:")
        assert len(ended.results["commit"]) == 40
        assert ended.duration is not None
        assert {task.status for task in ended.tasks} == {RunStatus.SUCCEEDED}
        assert [task.name for task in ended.tasks][:3] == ["fetch-source", "run-tests", "build-push"]

    async def test_a_run_that_fails_says_why_in_one_sentence(self, world: World) -> None:
        run = await world.runner.start(REQUEST)
        await world.fail(run.name)
        ended = await world.runner.get(run.name)
        assert ended.status is RunStatus.FAILED
        assert ended.message == 'Task run-tests failed: step "test" ended with exit code 1'
        failed = next(task for task in ended.tasks if task.status is RunStatus.FAILED)
        assert (failed.name, failed.failed_step) == ("run-tests", "test")
        logs = {(log.task, log.step): log for log in await world.runner.logs(run.name, 2)}
        assert any("failed" in line for line in logs["run-tests", "test"].lines)

    async def test_logs_are_tails(self, world: World) -> None:
        run = await world.runner.start(REQUEST)
        await world.finish(run.name)
        logs = await world.runner.logs(run.name, 1)
        assert logs[0].task == "fetch-source"
        assert all(len(log.lines) <= 1 and not log.gone for log in logs)

    @pytest.mark.parametrize("mode", list(CancelMode))
    async def test_a_running_run_is_cancelled(self, world: World, mode: CancelMode) -> None:
        """T8."""
        run = await world.runner.start(REQUEST)
        await world.begin(run.name)
        await world.runner.cancel(run.name, mode)
        await world.finish(run.name)
        assert (await world.runner.get(run.name)).status is RunStatus.CANCELLED
        with pytest.raises(Refused, match="already finished"):
            await world.runner.cancel(run.name, mode)

    async def test_what_is_over_cannot_be_cancelled(self, world: World) -> None:
        """T9."""
        run = await world.runner.start(REQUEST)
        await world.finish(run.name)
        with pytest.raises(Refused, match="already finished"):
            await world.runner.cancel(run.name, CancelMode.NOW)

    async def test_a_retry_is_a_new_run_with_the_old_parameters(self, world: World) -> None:
        run = await world.runner.start(REQUEST)
        again = replace(REQUEST, id="request-2", requester="U0BO", params={}, revision="")
        with pytest.raises(Refused, match="still"):
            await world.runner.retry(run.name, again)
        await world.fail(run.name)
        retried = await world.runner.retry(run.name, again)
        assert retried.name != run.name
        assert (retried.app, retried.requester, retried.params) == ("my-app", "U0BO", run.params)
        assert not retried.done
        assert (await world.runner.retry(run.name, again)).name == retried.name

    async def test_changes_begin_with_what_is_there_and_end_with_the_end(self, world: World) -> None:
        first = await world.runner.start(REQUEST)
        changes = cast("AsyncGenerator[PipelineRun]", world.runner.changes())
        async with asyncio.timeout(60), aclosing(changes):
            assert (await anext(changes)).name == first.name
            second = await world.runner.start(replace(REQUEST, id="request-2"))
            while (run := await anext(changes)).name != second.name:
                pass
            assert not run.done
            await world.finish(second.name)
            # The end of a run may be told before the end of its last task.
            while (run := await anext(changes)).name != second.name or not (run.done and ended(run)):
                pass
            assert run.status is RunStatus.SUCCEEDED
