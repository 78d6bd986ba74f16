"""Time may pass between the last question and the commit: what was true then is asked again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.caller import Person
from bot.domain.errors import Unavailable
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.safety import Lock
from tests.fakes.world import CoreWorld, core_world
from tests.unit.bot.promotions.test_pull_requests import PULL_REQUESTS

MINUTE = timedelta(minutes=1)


async def lock(world: CoreWorld) -> None:
    mia = Person("U0MIA", "mia", "mia@example.com")
    async with world.database.begin() as connection:
        await world.locks.take(connection, Lock("my-app", "production", mia, "a migration", datetime.now(UTC)))


async def approved_while_git_is_away(world: CoreWorld, monkeypatch: pytest.MonkeyPatch) -> Promotion:
    async def refuse(change: Change, expected_head: str) -> Commit:
        raise Unavailable("git", "push", "connection refused")

    monkeypatch.setattr(world.overlays, "commit", refuse)
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    monkeypatch.undo()
    assert (await world.now(asked)).stage is Stage.COMMIT
    return asked


async def test_a_lock_that_was_taken_while_git_was_away_holds(
    world: CoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await approved_while_git_is_away(world, monkeypatch)
    await lock(world)
    await world.engine.pass_time(MINUTE)
    ended = await world.now(asked)
    assert (ended.phase, ended.outcome.partition(" is locked")[0]) == (
        Phase.FAILED,
        "Blocked: lock: my-app in production",
    )
    assert world.promotion_commits() == []


async def test_when_nothing_has_changed_it_is_committed(world: CoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await approved_while_git_is_away(world, monkeypatch)
    await world.engine.pass_time(MINUTE)
    done = await world.now(asked)
    assert (done.phase, [a.approver.name for a in done.approvals]) == (Phase.SUCCEEDED, ["bo"])
    assert world.promotion_commits() == [asked.id]


async def test_a_commit_that_was_made_before_a_long_silence_is_not_asked_about(
    world: CoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died after the push, and comes back an hour later to a locked environment."""
    push, find, looks = world.overlays.commit, world.overlays.find, 0

    async def push_and_die(change: Change, expected_head: str) -> Commit:
        await push(change, expected_head)
        world.engine.now += timedelta(hours=1)
        await lock(world)
        raise Unavailable("git", "push", "the connection was reset")

    async def find_but_not_then(trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise Unavailable("git", "look", "connection refused")
        return await find(trailer, value, since)

    asked = await world.deploy("ana")
    monkeypatch.setattr(world.overlays, "commit", push_and_die)
    monkeypatch.setattr(world.overlays, "find", find_but_not_then)
    await world.approve("bo", asked)
    await world.engine.pass_time(MINUTE)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert world.promotion_commits() == [asked.id]


async def test_a_pull_request_that_turns_green_under_a_lock_is_closed_not_merged(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        await world.engine.pass_time(MINUTE)
        await lock(world)
        world.overlays.set_checks(1, "success")
        await world.engine.pass_time(MINUTE)
        assert (await world.now(asked)).phase is Phase.FAILED
        assert (await world.overlays.get(1)).state == "closed"
        assert "v1.4.1" in world.overlay("production")
