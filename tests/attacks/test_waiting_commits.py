"""A commit that waits for other writers is asked about again: what was called meanwhile holds it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import HeadMoved
from bot.domain.intent import Approve
from bot.domain.overlay import Author, Change, Commit
from bot.domain.promotion import Phase, Promotion
from bot.domain.safety import Freeze, Lock
from bot.ports import PullRequest
from tests.fakes.world import CoreWorld, core_world
from tests.unit.bot.promotions.test_pull_requests import MINUTE, PULL_REQUESTS
from tests.waiting import until

LATER = timedelta(minutes=10)


async def freeze(world: CoreWorld) -> None:
    now, dee = world.engine.now, (await world.person("dee")).person
    called = Freeze("f-1", "production", dee, "an incident", now, now + timedelta(hours=5))
    async with world.database.begin() as connection:
        await world.core.stores.freezes.call(connection, called)


async def lock(world: CoreWorld) -> None:
    held = Lock("my-app", "production", (await world.person("dee")).person, "an incident", world.engine.now)
    async with world.database.begin() as connection:
        await world.locks.take(connection, held)


async def demote(world: CoreWorld) -> None:
    world.directory.groups["S0ENG", "engineers"] = frozenset()


HOLDS = {"a freeze": (freeze, "is frozen by dee"), "a lock": (lock, "is locked by dee"),
         "the requester's right": (demote, "ana may no longer do this")}  # fmt: skip


async def press(world: CoreWorld, who: str, asked: Promotion) -> None:
    seen = (await world.now(asked)).content_hash
    ask = Approve(context=world.context(), promotion=asked.id, content_hash=seen)
    await world.service.approve(ask, await world.person(who))


@pytest.mark.parametrize("what", HOLDS)
async def test_whoever_waits_for_another_push_waits_for_nothing_old(world: CoreWorld, what: str) -> None:
    """Pushes go one after the other, and each takes seconds: of a hundred the last waits for minutes."""
    hold, reason = HOLDS[what]
    pushing, may_push = asyncio.Event(), asyncio.Event()
    push = world.overlays.commit

    async def slow(change: Change, expected_head: str) -> Commit:
        pushing.set()
        await may_push.wait()
        return await push(change, expected_head)

    asked = await world.deploy("ana")
    world.overlays.commit = slow  # type: ignore[method-assign]
    first = asyncio.create_task(world.deploy("bo", to="staging"))
    await pushing.wait()
    pressed = asyncio.create_task(press(world, "bo", asked))
    await until(lambda: world.engine.tapes[asked.id].steps[-1][0].startswith("confirm"))
    await asyncio.sleep(0.05)
    world.engine.now += LATER
    await hold(world)
    may_push.set()
    await first
    await asyncio.gather(pressed, return_exceptions=True)
    await world.engine.settle()
    done = await world.now(asked)
    assert (done.phase, done.commit) == (Phase.FAILED, None)
    assert reason in done.outcome
    assert asked.id not in world.promotion_commits()


async def test_without_anything_new_it_goes_on(world: CoreWorld) -> None:
    await _overtaken(world, lambda: None)
    assert len(world.promotion_commits()) == 1


async def test_a_branch_that_moves_for_minutes_is_not_pushed_to_with_an_old_answer(world: CoreWorld) -> None:
    async def frozen() -> None:
        await freeze(world)

    holding: list[asyncio.Task[None]] = []
    done = await _overtaken(world, lambda: holding.append(asyncio.create_task(frozen())))
    assert done.phase is Phase.FAILED
    assert "is frozen by dee" in done.outcome
    assert world.promotion_commits() == []


async def _overtaken(world: CoreWorld, then: Callable[[], object]) -> Promotion:
    """Others push in between, and that takes ten minutes."""
    push, tries = world.overlays.commit, 0

    async def overtaken(change: Change, expected_head: str) -> Commit:
        nonlocal tries
        tries += 1
        if tries == 1:
            world.engine.now += LATER
            then()
            await asyncio.sleep(0.05)
            raise HeadMoved("git", "push", "the branch has moved")
        return await push(change, expected_head)

    asked = await world.deploy("ana")
    world.overlays.commit = overtaken  # type: ignore[method-assign]
    await world.approve("bo", asked)
    return await world.now(asked)


async def test_a_merge_that_others_hold_up_is_not_made_with_an_old_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.promotions.pull_requests.MERGE_PAUSE", 0)
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        merge, tries = world.overlays.merge, 0

        async def overtaken(number: int, head: str, message: str, author: Author) -> PullRequest:
            nonlocal tries
            tries += 1
            if tries == 1:
                world.engine.now += LATER
                await freeze(world)
                raise HeadMoved("github", f"merge #{number}", "Base branch was modified.")
            return await merge(number, head, message, author)

        monkeypatch.setattr(world.overlays, "merge", overtaken)
        world.overlays.set_checks(1, "success")
        for _ in range(3):
            await world.engine.pass_time(MINUTE)
        done = await world.now(asked)
        assert (done.phase, tries) == (Phase.FAILED, 1)
        assert "is frozen by dee" in done.outcome


async def test_a_clock_that_is_ahead_confirms_nothing_for_longer(world: CoreWorld) -> None:
    """A replica whose clock is ahead asks, dies, and another one takes its promotion over."""
    now = world.steps.clock()
    assert world.steps._fresh(now - timedelta(seconds=5))
    assert not world.steps._fresh(now + LATER)
