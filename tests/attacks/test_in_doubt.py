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
from bot.domain.promotion import Doubt, Phase, Promotion, Stage
from bot.promotions.commit_message import message
from bot.views.notes import result, thread_note
from bot.workflow.second_look import SecondLook
from tests.fakes.outages import Outages
from tests.fakes.overlays import SOMEONE
from tests.fakes.queues import delivered
from tests.fakes.world import House, house, kustomization, path
from tests.unit.bot.promotions.test_pull_requests import PULL_REQUESTS

AWAY = Unavailable("git", "push", "no answer")
MINUTE = timedelta(minutes=1)
PRODUCTION = path("production")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.promotions.decisions.WHILE_COMMITTING", 0.2)
    monkeypatch.setattr("bot.workflow.retries.PATIENCE", 3 * MINUTE)


@pytest.fixture
async def mode(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, *([PULL_REQUESTS] if request.param == "pull request" else [])) as home:
        yield home


def second_look(home: House) -> SecondLook:
    return SecondLook(home.steps)


def unheard(home: House, *, arrives: bool) -> None:
    """The answer to the push is lost, and git is gone from then on."""
    push = home.overlays.commit

    async def lost(change: Change, expected_head: str) -> Commit:
        if arrives:
            await push(change, expected_head)
        home.overlays.failing = AWAY
        raise AWAY

    home.overlays.commit = lost  # type: ignore[method-assign]


async def outlast(home: House) -> None:
    for _ in range(8):
        await home.engine.pass_time(MINUTE)


async def in_doubt(home: House, *, arrives: bool, who: str = "") -> Promotion:
    unheard(home, arrives=arrives)
    asked = await home.deploy("ana")
    await home.approve("bo", asked)
    if who:
        await home.engine.pass_time(MINUTE)
        await home.abort(who, asked)
    await outlast(home)
    ended = await home.now(asked)
    assert (ended.doubt, ended.commit) == (Doubt.OPEN, None)
    assert "not known" in ended.outcome
    return ended


async def events(home: House) -> list[str]:
    return [row.event for row in await home.audit.rows()]


@pytest.mark.parametrize("who", ["", "ana"], ids=["ended", "aborted"])
async def test_what_had_arrived_is_written_down_when_git_is_back(home: House, who: str) -> None:
    asked = await in_doubt(home, arrives=True, who=who)
    assert await second_look(home).look() == 0  # git is still away
    assert (await home.now(asked)).doubt is Doubt.OPEN
    home.overlays.failing = None
    assert await second_look(home).look() == 1
    now = await home.now(asked)
    assert now.commit is not None
    assert now.commit.sha == home.overlays.log[-1].sha
    assert (now.phase, now.stage, now.doubt) == (Phase.ERRORED, Stage.DONE, Doubt.SETTLED)
    assert "not known" not in now.outcome
    assert now.commit.short in now.outcome
    assert home.cards.shown[asked.id][-1] == now
    told = await events(home)
    assert (told.count("committed"), told.count("settled")) == (1, 1)
    assert await home.audit.verify() is None
    assert await second_look(home).look() == 0
    assert await events(home) == told


@pytest.mark.parametrize("who", ["", "ana"], ids=["ended", "aborted"])
async def test_what_had_not_arrived_is_told_so(home: House, who: str) -> None:
    asked = await in_doubt(home, arrives=False, who=who)
    home.overlays.failing = None
    assert await second_look(home).look() == 1
    now = await home.now(asked)
    assert (now.phase, now.commit) == (asked.phase, None)
    assert now.outcome.endswith("the overlay was not changed. Ask again if production still needs it.")
    assert "committed" not in await events(home)


@pytest.mark.parametrize("arrives", [True, False])
async def test_requester_and_channel_hear_of_it_once_more(home: House, arrives: bool) -> None:
    asked = await in_doubt(home, arrives=arrives)
    await delivered(home.core.outbox)
    before = len(home.messenger.messages)
    home.overlays.failing = None
    for _ in range(2):
        await second_look(home).look()
        await delivered(home.core.outbox)
    new = [m.shown.text for m in home.messenger.messages[before:]]
    now = await home.now(asked)
    assert sorted(new) == sorted([thread_note(now, Event.FAILED).text, result(now).text])
    assert all(("was changed" if arrives else "was not changed") in text for text in new)


FORGED = {
    "nothing of it": {"README.md": b"x\n"},
    "another image": {PRODUCTION: kustomization("v1.4.3")},
    "the line and more": {PRODUCTION: kustomization("v1.4.2"), "apps/evil.yaml": b"x\n"},
}


@pytest.mark.parametrize("files", FORGED.values(), ids=FORGED)
async def test_nobody_else_s_commit_settles_it(home: House, files: dict[str, bytes]) -> None:
    asked = await in_doubt(home, arrives=False)
    home.overlays.failing = None
    forged = home.overlays.push(files, message(asked), SOMEONE)
    home.overlays.us |= {forged.sha}
    await second_look(home).look()
    now = await home.now(asked)
    assert now.commit is None
    assert "was not changed" in now.outcome


async def test_a_later_promotion_there_is_left_alone(home: House) -> None:
    asked = await in_doubt(home, arrives=False)
    home.overlays.failing = None
    del home.overlays.commit  # the fake's own again
    later = await home.deploy("ana")
    await second_look(home).look()
    assert "was not changed" in (await home.now(asked)).outcome
    await home.approve("bo", later)
    assert (await home.now(later)).phase is Phase.SUCCEEDED


async def test_a_broken_glass_owes_its_review(home: House) -> None:
    unheard(home, arrives=True)
    ask = Deploy(context=home.context(), app="my-app", environment="production", break_glass=True, reason="it is down")
    await home.service.start(await home.shown(ask, "dee"), await home.person("dee"))
    await outlast(home)
    assert await home.reviews.open() == ()
    home.overlays.failing = None
    await second_look(home).look()
    assert len(await home.reviews.open()) == 1


async def test_a_database_that_goes_away_meanwhile_loses_nothing(home: House) -> None:
    asked = await in_doubt(home, arrives=True)
    home.overlays.failing = None
    outages = Outages(home.database, only="UPDATE promotions")
    outages.away = True
    with pytest.raises(DatabaseAway):
        await second_look(home).look()
    outages.away = False
    assert await second_look(home).look() == 1
    assert (await home.now(asked)).commit is not None
    assert (await events(home)).count("committed") == 1


async def test_two_replicas_that_look_at_once_tell_it_once(home: House) -> None:
    await in_doubt(home, arrives=True)
    home.overlays.failing = None
    await asyncio.gather(second_look(home).look(), second_look(home).look())
    await delivered(home.core.outbox)
    told = await events(home)
    assert (told.count("committed"), told.count("settled")) == (1, 1)
    said = [m.shown.text for m in home.messenger.messages if "was changed" in m.shown.text]
    assert len(said) == len(set(said)) >= 2


async def test_the_loop_beside_the_stories_looks(home: House) -> None:
    asked = await in_doubt(home, arrives=True)
    home.overlays.failing = None
    await home.core.story_starter.look()
    assert (await home.now(asked)).commit is not None


@pytest.mark.parametrize("mode", ["pull request"], indirect=True)
@pytest.mark.parametrize("fate", ["open", "closed", "merged", "merged with more"])
async def test_a_pull_request_whose_fate_nobody_knew(mode: House, fate: str) -> None:
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
    if fate.startswith("merged"):
        await mode.overlays.merge_by_hand(1, message(asked))
    assert await second_look(mode).look() == 1
    now = await mode.now(asked)
    assert mode.overlays._branches[1].pull.state == ("merged" if fate.startswith("merged") else "closed")
    assert (now.commit is not None) == (fate == "merged")
    if fate == "merged with more":
        assert "tampered" in await events(mode)
        assert "something else than what was approved" in now.outcome
    assert await second_look(mode).look() == 0


@pytest.mark.parametrize("mode", ["pull request"], indirect=True)
async def test_a_pull_request_that_was_opened_unheard_is_closed(mode: House) -> None:
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


async def test_the_record_of_deliveries_waits_for_the_answer(home: House) -> None:
    """So that the change is told as the promotion's, not as somebody's by hand."""
    observer = home.core.branch_observer
    await observer.look()
    asked = await in_doubt(home, arrives=True)
    home.overlays.failing = None
    assert await observer.look() == 0
    await second_look(home).look()
    assert await observer.look() == 1
    (fact,) = await home.core.stores.deliveries.of("my-app", "production")
    assert fact.detail.promotion == asked.id  # type: ignore[union-attr]
