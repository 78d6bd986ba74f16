"""Who writes another person's id on a pipeline run, with kubectl: nobody is credited, mentioned or woken by it.

What a run says of itself anybody can write who may write runs. Who asked for one is what Pilothouse has on record.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

import commands
from bot.command import CommandRegistry
from bot.domain.intent import Context, ListRuns, RunPipeline, ShowRun
from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, RunStatus
from bot.ports import Pipelines
from bot.queries.own_runs import OwnRuns
from bot.views import render
from tests.fakes.pipelines import MemoryPipelines
from tests.fakes.queues import delivered
from tests.fakes.world import CoreWorld

ANA, BO = "U0ANA", "U0BO"
REQUEST = RunRequest("r-1", "ci-pipeline", "my-app", {}, ANA)
READ: dict[str, Callable[[OwnRuns, str], Awaitable[PipelineRun]]] = {
    "shown": lambda runs, name: runs.get(name),
    "listed": lambda runs, name: first(runs, name),
    "watched": lambda runs, name: watched(runs, name),
    "cancelled": lambda runs, name: runs.cancel(name, CancelMode.NOW),
}


async def first(runs: OwnRuns, name: str) -> PipelineRun:
    return next(run for run in await runs.list("", 10) if run.name == name)


async def watched(runs: OwnRuns, name: str) -> PipelineRun:
    async for run in runs.changes():
        if run.name == name:
            return run
    raise AssertionError(name)


def cluster(world: CoreWorld) -> MemoryPipelines:
    pipelines = world.core.outside.pipelines
    assert isinstance(pipelines, MemoryPipelines)
    return pipelines


async def by_kubectl(world: CoreWorld, requester: str = BO) -> PipelineRun:
    """A run that Pilothouse did not start, with somebody's id on it."""
    return await cluster(world).start(replace(REQUEST, id="kubectl", requester=requester))


@pytest.mark.parametrize("read", READ)
async def test_a_run_that_we_did_not_start_has_no_requester(world: CoreWorld, read: str) -> None:
    run = await by_kubectl(world)
    assert (await READ[read](world.core.own_runs, run.name)).requester == ""


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("written", [BO, "<!channel>", "U0NOBODY"])
async def test_what_is_written_on_ours_afterwards_changes_nothing(world: CoreWorld, read: str, written: str) -> None:
    run = await world.core.own_runs.start(REQUEST)
    cluster(world)._put(replace(run, requester=written))
    assert (await READ[read](world.core.own_runs, run.name)).requester == ANA


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("remembered", [True, False])
async def test_a_run_of_the_name_of_a_deleted_one_is_nobodys(world: CoreWorld, read: str, remembered: bool) -> None:
    runs = world.core.own_runs
    run = await runs.start(REQUEST)
    if not remembered:
        runs = OwnRuns(cluster(world), world.core.stores.started_runs, world.core.seconds)
    cluster(world)._put(replace(run, uid="of-another-one"))
    assert (await READ[read](runs, run.name)).requester == ""


async def test_the_next_process_knows_whose_it_is(world: CoreWorld) -> None:
    run = await world.core.own_runs.start(REQUEST)
    other = OwnRuns(cluster(world), world.core.stores.started_runs, world.core.seconds)
    assert (await other.get(run.name)).requester == ANA


async def test_a_process_that_died_before_it_noted_that_is_asked_again(world: CoreWorld) -> None:
    run = await cluster(world).start(REQUEST)
    assert (await world.core.own_runs.start(REQUEST)).name == run.name
    assert (await world.core.own_runs.get(run.name)).requester == ANA


async def test_who_asks_for_a_foreign_run_again_is_the_requester_of_the_new_one_alone(world: CoreWorld) -> None:
    run = await by_kubectl(world)
    cluster(world).finish(run.name)
    again = await world.core.own_runs.retry(run.name, REQUEST)
    assert [one.requester for one in await world.core.own_runs.list("", 2)] == [ANA, ""]
    assert again.requester == ANA


async def test_no_answer_mentions_who_is_named_on_a_foreign_run(world: CoreWorld) -> None:
    run = await by_kubectl(world)
    runner = CommandRegistry.load(commands).bind(world.core.offered)
    context = Context("r1", "C0DEPLOY", "c", "T0PILOT")
    for ask in (ListRuns(context=context, app="my-app"), ShowRun(context=context, run=run.name)):
        said = render(await runner.run(ask, await world.person("ana")))
        assert run.name in str(said.blocks)
        assert BO not in f"{said.text} {said.blocks}"


async def test_the_end_of_a_run_wakes_who_asked_for_it_whatever_is_written_there(world: CoreWorld) -> None:
    runner = CommandRegistry.load(commands).bind(world.core.offered)
    ask = RunPipeline(context=Context("r1", "C0DEPLOY", "c", "T0PILOT"), app="my-app", revision="", params={})
    await runner.run(ask, await world.person("ana"))
    (run,) = await world.core.own_runs.list("", 1)
    cluster(world)._put(replace(run, requester=BO))
    cluster(world).finish(run.name)
    await world.core.run_cards._show(await watched(world.core.own_runs, run.name))
    await delivered(world.core.outbox)
    said = " ".join(str(message.shown) for message in world.messenger.in_channel("C0DEPLOY"))
    assert f"<@{ANA}>" in said
    assert BO not in said


async def test_gates_and_commands_are_handed_the_runs_whose_requester_is_on_record(world: CoreWorld) -> None:
    for offered in (world.core.offered, world.core.offered_to_gates):
        assert offered[Pipelines] is world.core.own_runs


async def test_the_message_of_a_run_tells_nothing_of_another_one_of_its_name(world: CoreWorld) -> None:
    """Deleted, and made again by somebody else: what that one does is not what ana's did."""
    runner = CommandRegistry.load(commands).bind(world.core.offered)
    ask = RunPipeline(context=Context("r1", "C0DEPLOY", "c", "T0PILOT"), app="my-app", revision="", params={})
    await runner.run(ask, await world.person("ana"))
    (run,) = await world.core.own_runs.list("", 1)
    cluster(world)._put(replace(run, uid="of-another-one"))
    cluster(world).finish(run.name)
    (again,) = await world.core.own_runs.list("", 1)
    await world.core.run_cards._show(again)
    await delivered(world.core.outbox)
    shown = str([message.shown for message in world.messenger.in_channel("C0DEPLOY")])
    assert RunStatus.SUCCEEDED.lower() not in shown.lower()
    assert RunStatus.DELETED.lower() in shown.lower()
    assert await world.core.stores.followed_runs.all() == ()


async def test_two_runs_of_one_name_are_followed_each_where_it_was_asked_for(world: CoreWorld) -> None:
    run = await world.core.own_runs.start(REQUEST)
    followed = world.core.stores.followed_runs
    await followed.follow(run.name, "of-an-older-one", "C0OLDER")
    await followed.follow(run.name, run.uid, "C0DEPLOY")
    await world.core.run_cards._show(run)
    assert await followed.channels(run.name) == {"C0DEPLOY": run.uid}
    await delivered(world.core.outbox)
    older, newer = (str([m.shown for m in world.messenger.in_channel(c)]).lower() for c in ("C0OLDER", "C0DEPLOY"))
    assert RunStatus.DELETED.lower() in older
    assert RunStatus.DELETED.lower() not in newer


async def test_that_an_older_run_of_its_name_is_deleted_ends_no_message(world: CoreWorld) -> None:
    """The watch may be behind: it tells of that after the new one was started."""
    run = await world.core.own_runs.start(REQUEST)
    await world.core.stores.followed_runs.follow(run.name, run.uid, "C0DEPLOY")
    await world.core.run_cards._show(replace(run, uid="of-an-older-one", status=RunStatus.DELETED))
    assert await world.core.stores.followed_runs.all() == (run.name,)


async def test_a_run_that_was_followed_before_its_uid_was_on_record_is_told_on(world: CoreWorld) -> None:
    run = await world.core.own_runs.start(REQUEST)
    await world.core.stores.followed_runs.follow(run.name, "", "C0DEPLOY")
    cluster(world).finish(run.name)
    await world.core.run_cards._show(await watched(world.core.own_runs, run.name))
    shown = str([message.shown for message in world.messenger.in_channel("C0DEPLOY")])
    assert RunStatus.SUCCEEDED.lower() in shown.lower()
