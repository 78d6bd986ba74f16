"""The change as a pull request, where others merge at the same time."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, HeadMoved
from bot.domain.overlay import Author
from bot.domain.promotion import Phase, Promotion, Stage
from bot.ports import PullRequest
from bot.promotions.pull_requests import MERGE_TRIES
from tests.fakes.world import POLICY, CoreWorld, core_world, kustomization, path
from tests.sentences import says

MINUTE = timedelta(minutes=1)

PULL_REQUESTS = POLICY + (
    "environments:\n- {name: development}\n- {name: staging}\n- {name: production, mode: pull-request}\n"
)


@pytest.mark.parametrize("times", [1, MERGE_TRIES])
async def test_a_merge_that_others_overtook_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr("bot.promotions.pull_requests.MERGE_PAUSE", 0)
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        merge, overtaken = world.overlays.merge, [HeadMoved("github", "merge #1", "Base branch was modified.")] * times

        async def merge_at_a_bad_moment(number: int, head: str, message: str, author: Author) -> PullRequest:
            if overtaken:
                raise overtaken.pop()
            return await merge(number, head, message, author)

        monkeypatch.setattr(world.overlays, "merge", merge_at_a_bad_moment)
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        world.overlays.set_checks(1, "success")
        assert (await world.now(asked)).stage is Stage.COMMIT
        for _ in range(2):
            await world.engine.pass_time(MINUTE)
        assert not overtaken
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def open_one(world: CoreWorld) -> Promotion:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    assert (await world.now(asked)).pull_request
    return asked


async def test_people_may_merge_it_themselves(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        await world.overlays.merge_by_hand(1)
        await world.engine.pass_time(MINUTE)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_something_else_than_what_was_approved_is_not_called_a_success(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        world.overlays.push_to_branch(1, {path("production"): kustomization("v1.4.3")})
        await world.overlays.merge_by_hand(1)
        await world.engine.pass_time(MINUTE)
        ended = await world.now(asked)
        assert ended.phase is Phase.ERRORED
        assert says(ended.outcome, "merged", "something else")


async def test_checks_that_fail_are_said_and_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        world.overlays.set_checks(1, "failure")
        await world.engine.pass_time(MINUTE)
        waiting = await world.now(asked)
        assert (waiting.stage, waiting.held_up) == (Stage.COMMIT, "Its checks fail: fix them, or close it.")
        await world.engine.pass_time(timedelta(hours=5))
        ended = await world.now(asked)
        assert ended.phase is Phase.FAILED
        assert says(ended.outcome, "not merged in time", "checks fail", "fix")
        assert (await world.overlays.get(1)).state == "closed"


async def test_checks_that_turn_green_again_let_it_go_on(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        world.overlays.set_checks(1, "failure")
        await world.engine.pass_time(MINUTE)
        world.overlays.set_checks(1, "success")
        await world.engine.pass_time(MINUTE)
        done = await world.now(asked)
        assert (done.phase, done.held_up) == (Phase.SUCCEEDED, "")


async def test_a_merge_that_only_people_may_do_is_waited_for(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        world.overlays.set_checks(1, "success")
        world.overlays.refuse_merge(1, "at least one review is required")
        await world.engine.pass_time(MINUTE)
        waiting = await world.now(asked)
        assert waiting.phase is Phase.RUNNING
        assert says(waiting.held_up, "cannot be merged", "at least one review is required")
        world.overlays.refuse_merge(1, "")
        await world.overlays.merge_by_hand(1)
        await world.engine.pass_time(MINUTE)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_a_branch_that_somebody_pushed_to_is_not_merged_by_pilothouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.promotions.pull_requests.MERGE_PAUSE", 0)

    async def pushed(number: int, head: str, message: str, author: Author) -> PullRequest:
        raise HeadMoved("github", "merge #1", "somebody else pushed to the pull request's branch")

    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        monkeypatch.setattr(world.overlays, "merge", pushed)
        world.overlays.set_checks(1, "success")
        for _ in range(3):
            await world.engine.pass_time(MINUTE)
        waiting = await world.now(asked)
        assert waiting.phase is Phase.RUNNING
        assert says(waiting.held_up, "somebody else pushed")
        assert len(world.engine.tapes[asked.id].steps) < 80


async def test_one_that_people_close_ends_it(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        await world.overlays.close(1, "no")
        await world.engine.pass_time(MINUTE)
        ended = await world.now(asked)
        assert ended.phase == Phase.FAILED
        assert says(ended.outcome, "closed without being merged")


async def test_while_it_is_open_it_can_be_aborted_and_is_closed(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        await world.abort("ana", asked)
        assert (await world.now(asked)).phase is Phase.ABORTED
        assert (await world.overlays.get(1)).state == "closed"


async def test_an_abort_that_comes_after_the_merge_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await open_one(world)
        await world.overlays.merge_by_hand(1)
        with suppress(Conflict):  # where the end is known by the time that the answer is given
            await world.abort("ana", asked)
        await world.engine.settle()
        ended = await world.now(asked)
        assert (ended.phase, ended.rejection) == (Phase.SUCCEEDED, None)
