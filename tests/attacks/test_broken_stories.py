"""A story breaks off while the record says Running: it ends with the truth, and its apps are free again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, Refused, Unavailable
from bot.domain.intent import Deploy
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Phase, Promotion, Stage
from tests.attacks.test_database_away import vote
from tests.fakes.outages import Outages
from tests.fakes.world import House, house


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def waiting(home: House) -> Promotion:
    return await home.deploy("ana")


async def pushed_but_not_written_down(home: House, *, break_glass: bool = False) -> Promotion:
    """The push arrived, and whatever broke then kept it from the record."""
    outages, push = Outages(home.database), home.overlays.commit

    async def pushed(change: Change, expected_head: str) -> Commit:
        made = await push(change, expected_head)
        outages.begin()
        return made

    home.overlays.commit = pushed  # type: ignore[method-assign]
    if break_glass:
        ask = Deploy(
            context=home.context(), app="my-app", environment="production", break_glass=True, reason="the site is down"
        )
        asked = await home.service.start(await home.shown(ask, "dee"), await home.person("dee"))
        await home.engine.settle()
    else:
        asked = await waiting(home)
        await vote(home, asked)
    assert outages.away
    outages.away = False
    return asked


HOWS = ["break off", "lose"]


async def break_(home: House, how: str, asked: Promotion) -> None:
    await (home.engine.break_off(asked.id) if how == "break off" else home.engine.lose(asked.id))


@pytest.mark.parametrize("how", HOWS)
async def test_what_was_not_committed_ends_so_and_frees_its_apps(home: House, how: str) -> None:
    asked = await waiting(home)
    await break_(home, how, asked)
    assert await home.service.resume() == 0  # it had begun: starting it once more would ask people twice
    assert await home.service.orphans.look() == 1
    ended = await home.now(asked)
    assert (ended.phase, ended.stage, ended.commit) == (Phase.ERRORED, Stage.DONE, None)
    assert "was not changed" in ended.outcome
    assert await home.service.orphans.look() == 0
    assert await home.audit.verify() is None
    again = await home.deploy("ana")
    assert again.id != asked.id
    await home.approve("bo", again)
    assert (await home.now(again)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("how", HOWS)
async def test_what_was_pushed_is_written_down_from_git(home: House, how: str) -> None:
    asked = await pushed_but_not_written_down(home)
    await break_(home, how, asked)
    assert await home.service.orphans.look() == 1
    ended = await home.now(asked)
    assert ended.phase is Phase.ERRORED
    assert ended.commit is not None
    assert ended.commit.short in ended.outcome
    events = [row.event for row in await home.audit.rows()]
    assert (events.count("committed"), events.count("errored")) == (1, 1)
    assert home.promotion_commits() == [asked.id]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("who", ["ana", "dee"])
async def test_abort_ends_it_whatever_the_engine_says(home: House, how: str, who: str) -> None:
    asked = await waiting(home)
    await break_(home, how, asked)
    with pytest.raises(Conflict, match="broke off"):
        await home.abort(who, asked)
    assert await home.store.live("my-app", "production") is None


@pytest.mark.parametrize("how", HOWS)
async def test_a_broken_glass_keeps_its_review(home: House, how: str) -> None:
    asked = await pushed_but_not_written_down(home, break_glass=True)
    assert await home.reviews.open() == ()
    await break_(home, how, asked)
    assert await home.service.orphans.look() == 1
    assert [review.promotion_id for review in await home.reviews.open()] == [asked.id]


async def test_while_git_is_away_nobody_guesses(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await pushed_but_not_written_down(home)
    await home.engine.break_off(asked.id)

    async def silent(promotion: Promotion) -> Commit | None:
        raise Unavailable("git", "fetch", "connection refused")

    monkeypatch.setattr(home.service.orphans.steps.committer, "find", silent)
    assert await home.service.orphans.look() == 0
    assert (await home.now(asked)).phase is Phase.RUNNING
    monkeypatch.undo()
    assert await home.service.orphans.look() == 1
    assert (await home.now(asked)).commit is not None


async def test_a_git_that_refuses_for_good_leaves_it_said_and_not_running(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await waiting(home)
    await home.engine.break_off(asked.id)

    async def refuse(promotion: Promotion) -> Commit | None:
        raise Refused("git", "log", "that commit is gone")

    monkeypatch.setattr(home.service.orphans.steps.committer, "find", refuse)
    assert await home.service.orphans.look() == 1
    assert "does not say" in (await home.now(asked)).outcome


async def test_a_story_that_goes_on_is_left_alone(home: House) -> None:
    asked = await waiting(home)
    assert await home.service.orphans.look() == 0
    await home.approve("bo", asked)
    assert await home.service.orphans.look() == 0
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_the_claim_of_one_that_is_over_is_released(home: House) -> None:
    asked = await waiting(home)
    await home.abort("ana", asked)
    async with home.database.begin() as connection:
        await home.store.claim(connection, asked)
    assert await home.service.orphans.look() == 1
    assert await home.store.live("my-app", "production") is None
