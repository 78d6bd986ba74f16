"""Git goes away in the middle of the commit, for longer than a promotion waits: nobody knows, until git is back.

Then it is looked for by its content, and record, audit, card, requester and channel say what is so. Production is not
changed without a record, and nobody else's commit becomes ours.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import DatabaseAway, Unavailable
from bot.domain.event import Event
from bot.domain.intent import Deploy
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Doubt, Kind, Phase, Promotion, Stage
from bot.promotions.commit_message import message
from bot.views.notes import result, thread_note
from bot.workflow.second_look import SecondLook
from tests.fakes.outages import Outages
from tests.fakes.overlays import SOMEONE
from tests.fakes.queues import delivered
from tests.fakes.world import CoreWorld, core_world, kustomization, path
from tests.unit.bot.promotions.test_pull_requests import PULL_REQUESTS

AWAY = Unavailable("git", "push", "no answer")
MINUTE = timedelta(minutes=1)
PRODUCTION = path("production")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.promotions.decisions.WHILE_COMMITTING", 0.2)
    monkeypatch.setattr("bot.workflow.retries.PATIENCE", 3 * MINUTE)


@pytest.fixture
async def mode(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, *([PULL_REQUESTS] if request.param == "pull request" else [])) as world:
        yield world


def second_look(world: CoreWorld) -> SecondLook:
    return SecondLook(world.steps)


def unheard(world: CoreWorld, *, arrives: bool) -> None:
    """The answer to the push is lost, and git is gone from then on."""
    push = world.overlays.commit

    async def lost(change: Change, expected_head: str) -> Commit:
        if arrives:
            await push(change, expected_head)
        world.overlays.failing = AWAY
        raise AWAY

    world.overlays.commit = lost  # type: ignore[method-assign]


async def outlast(world: CoreWorld) -> None:
    for _ in range(8):
        await world.engine.pass_time(MINUTE)


async def in_doubt(world: CoreWorld, *, arrives: bool, who: str = "") -> Promotion:
    unheard(world, arrives=arrives)
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    if who:
        await world.engine.pass_time(MINUTE)
        await world.abort(who, asked)
    await outlast(world)
    ended = await world.now(asked)
    assert (ended.doubt, ended.commit) == (Doubt.OPEN, None)
    assert "not known" in ended.outcome
    return ended


async def events(world: CoreWorld) -> list[str]:
    return [row.event for row in await world.audit.rows()]


@pytest.mark.parametrize("who", ["", "ana"], ids=["ended", "aborted"])
async def test_what_had_arrived_is_written_down_when_git_is_back(world: CoreWorld, who: str) -> None:
    asked = await in_doubt(world, arrives=True, who=who)
    assert await second_look(world).look() == 0  # git is still away
    assert (await world.now(asked)).doubt is Doubt.OPEN
    world.overlays.failing = None
    assert await second_look(world).look() == 1
    now = await world.now(asked)
    assert now.commit is not None
    assert now.commit.sha == world.overlays.log[-1].sha
    assert (now.phase, now.stage, now.doubt) == (Phase.ERRORED, Stage.DONE, Doubt.SETTLED)
    assert "not known" not in now.outcome
    assert now.commit.short in now.outcome
    assert world.cards.shown[asked.id][-1] == now
    told = await events(world)
    assert (told.count("committed"), told.count("settled")) == (1, 1)
    assert await world.audit.verify() is None
    assert await second_look(world).look() == 0
    assert await events(world) == told


@pytest.mark.parametrize("who", ["", "ana"], ids=["ended", "aborted"])
async def test_what_had_not_arrived_is_told_so(world: CoreWorld, who: str) -> None:
    asked = await in_doubt(world, arrives=False, who=who)
    world.overlays.failing = None
    assert await second_look(world).look() == 1
    now = await world.now(asked)
    assert (now.phase, now.commit) == (asked.phase, None)
    assert now.outcome.endswith("the overlay was not changed. Ask again if production still needs it.")
    assert "committed" not in await events(world)


@pytest.mark.parametrize("arrives", [True, False])
async def test_requester_and_channel_hear_of_it_once_more(world: CoreWorld, arrives: bool) -> None:
    asked = await in_doubt(world, arrives=arrives)
    await delivered(world.core.outbox)
    before = len(world.messenger.messages)
    world.overlays.failing = None
    for _ in range(2):
        await second_look(world).look()
        await delivered(world.core.outbox)
    new = [m.shown.text for m in world.messenger.messages[before:]]
    now = await world.now(asked)
    assert sorted(new) == sorted([thread_note(now, Event.FAILED).text, result(now).text])
    assert all(("was changed" if arrives else "was not changed") in text for text in new)


FORGED = {
    "nothing of it": {"README.md": b"x\n"},
    "another image": {PRODUCTION: kustomization("v1.4.3")},
    "the line and more": {PRODUCTION: kustomization("v1.4.2"), "apps/evil.yaml": b"x\n"},
}


@pytest.mark.parametrize("files", FORGED.values(), ids=FORGED)
async def test_nobody_else_s_commit_settles_it(world: CoreWorld, files: dict[str, bytes]) -> None:
    asked = await in_doubt(world, arrives=False)
    world.overlays.failing = None
    forged = world.overlays.push(files, message(asked), SOMEONE)
    world.overlays.us |= {forged.sha}
    await second_look(world).look()
    now = await world.now(asked)
    assert now.commit is None
    assert "was not changed" in now.outcome


async def test_a_later_promotion_there_is_left_alone(world: CoreWorld) -> None:
    asked = await in_doubt(world, arrives=False)
    world.overlays.failing = None
    del world.overlays.commit  # the fake's own again
    later = await world.deploy("ana")
    await second_look(world).look()
    assert "was not changed" in (await world.now(asked)).outcome
    await world.approve("bo", later)
    assert (await world.now(later)).phase is Phase.SUCCEEDED


async def test_a_broken_glass_owes_its_review(world: CoreWorld) -> None:
    unheard(world, arrives=True)
    ask = Deploy(context=world.context(), app="my-app", environment="production", break_glass=True, reason="it is down")
    await world.service.start(await world.shown(ask, "dee"), await world.person("dee"))
    await outlast(world)
    assert await world.reviews.open() == ()
    world.overlays.failing = None
    await second_look(world).look()
    assert len(await world.reviews.open()) == 1


async def test_a_database_that_goes_away_meanwhile_loses_nothing(world: CoreWorld) -> None:
    asked = await in_doubt(world, arrives=True)
    world.overlays.failing = None
    outages = Outages(world.database, only="UPDATE promotions")
    outages.away = True
    with pytest.raises(DatabaseAway):
        await second_look(world).look()
    outages.away = False
    assert await second_look(world).look() == 1
    assert (await world.now(asked)).commit is not None
    assert (await events(world)).count("committed") == 1


async def test_two_replicas_that_look_at_once_tell_it_once(world: CoreWorld) -> None:
    await in_doubt(world, arrives=True)
    world.overlays.failing = None
    await asyncio.gather(second_look(world).look(), second_look(world).look())
    await delivered(world.core.outbox)
    told = await events(world)
    assert (told.count("committed"), told.count("settled")) == (1, 1)
    said = [m.shown.text for m in world.messenger.messages if "was changed" in m.shown.text]
    assert len(said) == len(set(said)) >= 2


async def test_the_loop_beside_the_stories_looks(world: CoreWorld) -> None:
    asked = await in_doubt(world, arrives=True)
    world.overlays.failing = None
    await world.core.story_starter.look()
    assert (await world.now(asked)).commit is not None


@pytest.mark.parametrize("mode", ["pull request"], indirect=True)
@pytest.mark.parametrize("fate", ["open", "closed", "merged", "merged with more", "merged with nothing"])
async def test_a_pull_request_whose_fate_nobody_knew(mode: CoreWorld, fate: str) -> None:
    asked = await mode.deploy("ana")
    await mode.approve("bo", asked)
    assert (await mode.now(asked)).pull_request
    mode.overlays.failing = AWAY
    await outlast(mode)
    await outlast(mode)
    ended = await mode.now(asked)
    assert (ended.phase, ended.doubt) == (Phase.ERRORED, Doubt.OPEN)
    mode.overlays.failing = None
    if fate == "closed":
        await mode.overlays.close(1, "")
    if fate == "merged with more":
        mode.overlays.push_to_branch(1, {"apps/evil.yaml": b"x\n"})
    if fate == "merged with nothing":
        mode.overlays.push({path("production"): kustomization("v1.4.2")})
    if fate.startswith("merged"):
        await mode.overlays.merge_by_hand(1, message(asked))
    assert await second_look(mode).look() == 1
    now = await mode.now(asked)
    assert mode.overlays._branches[1].pull.state == ("merged" if fate.startswith("merged") else "closed")
    assert (now.commit is not None) == (fate == "merged")
    if fate == "merged with more":
        assert "tampered" in await events(mode)
        assert "something else than what was approved" in now.outcome
    if fate == "merged with nothing":
        assert "tampered" not in await events(mode)
        assert "now shows v1.4.2" in now.outcome
    assert await second_look(mode).look() == 0


@pytest.mark.parametrize("mode", ["pull request"], indirect=True)
async def test_a_pull_request_that_was_opened_unheard_is_closed(mode: CoreWorld) -> None:
    opening = mode.overlays.open

    async def lost(change: Change, branch: str, expected_head: str, title: str, body: str) -> None:
        await opening(change, branch, expected_head, title, body)
        mode.overlays.failing = AWAY
        raise AWAY

    mode.overlays.open = lost  # type: ignore[method-assign, assignment]
    asked = await mode.deploy("ana")
    await mode.approve("bo", asked)
    await outlast(mode)
    assert (await mode.now(asked)).doubt is Doubt.OPEN
    mode.overlays.failing = None
    assert await second_look(mode).look() == 1
    assert mode.overlays._branches[1].pull.state == "closed"


async def test_the_record_of_deliveries_waits_for_the_answer(world: CoreWorld) -> None:
    """So that the change is told as the promotion's, not as somebody's by hand."""
    observer = world.core.branch_observer
    await observer.look()
    asked = await in_doubt(world, arrives=True)
    world.overlays.failing = None
    assert await observer.look() == 0
    await second_look(world).look()
    assert await observer.look() == 1
    (fact,) = await world.core.stores.deliveries.of("my-app", "production")
    assert fact.detail.promotion == asked.id  # type: ignore[union-attr]


@pytest.mark.parametrize("since", [False, True], ids=["as it was left", "promoted since"])
async def test_a_rollback_that_had_arrived_locks_what_it_has_put_back(world: CoreWorld, *, since: bool) -> None:
    for number, tag in enumerate(("v1.4.0", "v1.4.3")):
        world.overlays.push({PRODUCTION: kustomization(tag)}, f"by hand {number}")
        world.engine.now += timedelta(hours=1)
    push = world.overlays.commit
    unheard(world, arrives=True)
    asked = await world.rollback("ana")
    assert asked.plan.kind is Kind.ROLLBACK
    await world.approve("bo", asked)
    await outlast(world)
    assert (await world.now(asked)).doubt is Doubt.OPEN
    world.overlays.failing, world.overlays.commit = None, push  # type: ignore[method-assign]
    if since:
        world.engine.now += timedelta(minutes=1)
        again = await world.deploy("ana", image="v1.4.2")
        await world.approve("bo", again)
        assert (await world.now(again)).phase is Phase.SUCCEEDED
    assert await second_look(world).look() == 1
    assert [lock.automatic for lock in await world.locks.all()] == ([] if since else [True])
