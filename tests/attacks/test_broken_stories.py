"""A story breaks off while the record says Running: it ends with the truth, and its apps are free again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, Refused, Unavailable
from bot.domain.intent import Deploy
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Phase, Promotion, Stage
from tests.attacks.test_database_away import vote
from tests.fakes.outages import Outages
from tests.fakes.world import POLICY, CoreWorld, core_world
from tests.unit.bot.promotions.test_scheduler import add_app


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


async def waiting(world: CoreWorld) -> Promotion:
    return await world.deploy("ana")


async def pushed_but_not_written_down(world: CoreWorld, *, break_glass: bool = False) -> Promotion:
    """The push arrived, and whatever broke then kept it from the record."""
    outages, push = Outages(world.database), world.overlays.commit

    async def pushed(change: Change, expected_head: str) -> Commit:
        made = await push(change, expected_head)
        outages.begin()
        return made

    world.overlays.commit = pushed  # type: ignore[method-assign]
    if break_glass:
        ask = Deploy(
            context=world.context(), app="my-app", environment="production", break_glass=True, reason="the site is down"
        )
        asked = await world.service.start(await world.shown(ask, "dee"), await world.person("dee"))
        await world.engine.settle()
    else:
        asked = await waiting(world)
        await vote(world, asked)
    assert outages.away
    outages.away = False
    return asked


HOWS = ["break off", "lose"]


async def break_(world: CoreWorld, how: str, asked: Promotion) -> None:
    await (world.engine.break_off(asked.id) if how == "break off" else world.engine.lose(asked.id))


@pytest.mark.parametrize("how", HOWS)
async def test_what_was_not_committed_ends_so_and_frees_its_apps(world: CoreWorld, how: str) -> None:
    asked = await waiting(world)
    await break_(world, how, asked)
    assert await world.service.resume() == 0  # it had begun: starting it once more would ask people twice
    assert await world.service.orphans.look() == 1
    ended = await world.now(asked)
    assert (ended.phase, ended.stage, ended.commit) == (Phase.ERRORED, Stage.DONE, None)
    assert "was not changed" in ended.outcome
    assert await world.service.orphans.look() == 0
    assert await world.audit.verify() is None
    again = await world.deploy("ana")
    assert again.id != asked.id
    await world.approve("bo", again)
    assert (await world.now(again)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("how", HOWS)
async def test_what_was_pushed_is_written_down_from_git(world: CoreWorld, how: str) -> None:
    asked = await pushed_but_not_written_down(world)
    await break_(world, how, asked)
    assert await world.service.orphans.look() == 1
    ended = await world.now(asked)
    assert ended.phase is Phase.ERRORED
    assert ended.commit is not None
    assert ended.commit.short in ended.outcome
    events = [row.event for row in await world.audit.rows()]
    assert (events.count("committed"), events.count("errored")) == (1, 1)
    assert world.promotion_commits() == [asked.id]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("who", ["ana", "dee"])
async def test_abort_ends_it_whatever_the_engine_says(world: CoreWorld, how: str, who: str) -> None:
    asked = await waiting(world)
    await break_(world, how, asked)
    with pytest.raises(Conflict, match="broke off"):
        await world.abort(who, asked)
    assert await world.store.live("my-app", "production") is None


@pytest.mark.parametrize("how", HOWS)
async def test_a_broken_glass_keeps_its_review(world: CoreWorld, how: str) -> None:
    asked = await pushed_but_not_written_down(world, break_glass=True)
    assert await world.reviews.open() == ()
    await break_(world, how, asked)
    assert await world.service.orphans.look() == 1
    assert [review.promotion_id for review in await world.reviews.open()] == [asked.id]


async def test_while_git_is_away_nobody_guesses(world: CoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await pushed_but_not_written_down(world)
    await world.engine.break_off(asked.id)

    async def silent(promotion: Promotion) -> Commit | None:
        raise Unavailable("git", "fetch", "connection refused")

    monkeypatch.setattr(world.service.orphans.steps.committer, "find", silent)
    assert await world.service.orphans.look() == 0
    assert (await world.now(asked)).phase is Phase.RUNNING
    monkeypatch.undo()
    assert await world.service.orphans.look() == 1
    assert (await world.now(asked)).commit is not None


async def test_a_git_that_refuses_for_good_leaves_it_said_and_not_running(
    world: CoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await waiting(world)
    await world.engine.break_off(asked.id)

    async def refuse(promotion: Promotion) -> Commit | None:
        raise Refused("git", "log", "that commit is gone")

    monkeypatch.setattr(world.service.orphans.steps.committer, "find", refuse)
    assert await world.service.orphans.look() == 1
    assert "does not say" in (await world.now(asked)).outcome


async def test_a_story_that_goes_on_is_left_alone(world: CoreWorld) -> None:
    asked = await waiting(world)
    assert await world.service.orphans.look() == 0
    await world.approve("bo", asked)
    assert await world.service.orphans.look() == 0
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_the_claim_of_one_that_is_over_is_released(world: CoreWorld) -> None:
    asked = await waiting(world)
    await world.abort("ana", asked)
    async with world.database.begin() as connection:
        await world.store.claim(connection, asked)
    assert await world.service.orphans.look() == 1
    assert await world.store.live("my-app", "production") is None


async def test_a_look_asks_the_engine_once_however_many_are_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with core_world(tmp_path, POLICY) as world:
        asked = []
        for app in ("my-app", "payments", "ledger"):
            if app != "my-app":
                await add_app(world, app)
            asked.append((await world.deploy("ana", app=app)).id)
        questions: list[list[str]] = []
        ask = world.engine.stories

        async def stories(ids: Sequence[str]) -> Mapping[str, bool]:
            questions.append([*ids])
            return await ask(ids)

        monkeypatch.setattr(world.engine, "stories", stories)
        await world.service.orphans.look()
        assert [sorted(ids) for ids in questions] == [sorted(asked)]
        await world.engine.break_off(asked[1])
        assert await world.service.orphans.look() == 1
        assert [one.id for one in await world.store.all_live()] == [asked[0], asked[2]]
