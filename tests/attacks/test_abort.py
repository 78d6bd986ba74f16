"""`/abort` always works: also while a step waits for git, for GitHub or for Slack, and nothing is pushed after it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, NotAllowed, Unavailable
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Phase, Promotion, Stage, VoteKind
from bot.promotions.signals import WAKE
from bot.workflow.journal import pack
from tests.fakes.world import CoreWorld, core_world
from tests.unit.bot.promotions.test_pull_requests import PULL_REQUESTS

AWAY = Unavailable("git", "ask for the head", "no answer")
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a minute in real time for a story that is asked in virtual time."""
    monkeypatch.setattr("bot.promotions.decisions.WHILE_COMMITTING", 0.2)


def goes_away(world: CoreWorld, step: str) -> None:
    """Git, and GitHub, from this step on."""

    def begin(name: str) -> None:
        if name == step:
            world.overlays.failing = AWAY

    world.engine.on_step = begin


async def waiting(world: CoreWorld, step: str) -> Promotion:
    goes_away(world, step)
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    for _ in range(3):
        await world.engine.pass_time(MINUTE)
    assert (await world.now(asked)).stage is Stage.COMMIT
    return asked


@pytest.fixture
async def mode(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, *([PULL_REQUESTS] if request.param == "pull request" else [])) as world:
        yield world


STEPS = [("commit", "commit"), ("pull request", "open-pull-request"), ("pull request", "pull-request#1")]


@pytest.mark.parametrize(("mode", "step"), STEPS, indirect=["mode"])
async def test_an_abort_is_heard_while_git_is_away(mode: CoreWorld, step: str) -> None:
    asked = await waiting(mode, step)
    await mode.abort("ana", asked)
    heard = await mode.now(asked)
    assert heard.rejection is not None
    assert heard.rejection.kind is VoteKind.ABORT
    mode.overlays.failing = None
    await mode.engine.pass_time(2 * MINUTE)
    mode.overlays.set_checks(1, "success") if mode.overlays._branches else None
    await mode.engine.pass_time(2 * MINUTE)
    ended = await mode.now(asked)
    assert (ended.phase, mode.promotion_commits()) == (Phase.ABORTED, [])
    assert ended.outcome == "Aborted by ana."
    assert all(branch.pull.state == "closed" for branch in mode.overlays._branches.values())
    assert await mode.store.live("my-app", "production") is None


@pytest.mark.parametrize(("mode", "step"), STEPS, indirect=["mode"])
async def test_an_abort_ends_it_though_git_never_comes_back(mode: CoreWorld, step: str) -> None:
    asked = await waiting(mode, step)
    await mode.abort("ana", asked)
    for _ in range(40):
        await mode.engine.pass_time(MINUTE)
    ended = await mode.now(asked)
    assert ended.phase.final
    assert await mode.store.live("my-app", "production") is None
    if step == "commit":
        assert ended.phase is Phase.ABORTED
        assert "not known" in ended.outcome


async def test_what_ends_because_git_stays_away_says_that_nobody_knows(tmp_path: Path) -> None:
    """The last push may have arrived."""
    async with core_world(tmp_path) as world:
        asked = await waiting(world, "commit")
        for _ in range(40):
            await world.engine.pass_time(MINUTE)
        ended = await world.now(asked)
        assert ended.phase is Phase.ERRORED
        assert "not known" in ended.outcome
        assert "/status my-app production" in ended.outcome


@pytest.mark.parametrize("who", ["bo", "mia"])
async def test_nobody_else_aborts_it_then(tmp_path: Path, who: str) -> None:
    async with core_world(tmp_path) as world:
        asked = await waiting(world, "commit")
        with pytest.raises(NotAllowed):
            await world.abort(who, asked)
        world.overlays.failing = None
        await world.engine.pass_time(2 * MINUTE)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_what_had_arrived_before_the_abort_is_followed_and_told(tmp_path: Path) -> None:
    """The push arrived, its answer did not: production has changed, and the card must not say that it has not."""
    async with core_world(tmp_path) as world:
        push = world.overlays.commit

        async def unheard(change: Change, expected_head: str) -> Commit:
            await push(change, expected_head)
            world.overlays.failing = AWAY
            raise AWAY

        world.overlays.commit = unheard  # type: ignore[method-assign]
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        await world.engine.pass_time(MINUTE)
        await world.abort("ana", asked)
        world.overlays.failing = None
        await world.engine.pass_time(2 * MINUTE)
        done = await world.now(asked)
        assert (done.phase, done.rejection, world.promotion_commits()) == (Phase.SUCCEEDED, None, [asked.id])
        assert any("in git already" in message.shown.text for message in world.messenger.messages)


async def test_after_the_commit_an_abort_says_what_helps(tmp_path: Path) -> None:
    async with core_world(tmp_path) as world:
        asked = await world.deploy("ana")
        made = replace(await world.now(asked), stage=Stage.FOLLOW, commit=world.overlays.log[-1])
        with pytest.raises(Conflict, match="Roll back"):
            world.service.eligibility.check(made, VoteKind.ABORT, await world.person("ana"), "")


async def test_presses_and_wake_ups_do_not_use_its_patience_up(tmp_path: Path) -> None:
    """Thirty minutes are thirty minutes, however often somebody speaks meanwhile."""
    async with core_world(tmp_path) as world:
        asked = await waiting(world, "commit")
        for number in range(200):
            await world.engine.signal(asked.id, f"wake:{number}", pack(WAKE))
        await world.engine.settle()
        assert (await world.now(asked)).phase is Phase.RUNNING
        world.overlays.failing = None
        await world.engine.pass_time(2 * MINUTE)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("step", ["commit", "commit-aborted", "conclude"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_around_the_abort_loses_it_not(tmp_path: Path, step: str, when: str) -> None:
    async with core_world(tmp_path) as world:
        asked = await waiting(world, "commit")
        (world.engine.crash_before if when == "before" else world.engine.crash_after).add(step)
        await world.abort("ana", asked)
        world.overlays.failing = None
        for _ in range(3):
            await world.engine.pass_time(2 * MINUTE)
        assert ((await world.now(asked)).phase, world.promotion_commits()) == (Phase.ABORTED, [])
