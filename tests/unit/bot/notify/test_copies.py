"""Approvers are asked in a direct message: one message each, decided anywhere, and never at night."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.caller import Caller, Person
from bot.domain.errors import Refused, Unavailable
from bot.domain.promotion import Kind, Phase, Promotion, Stage
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.permalinks import Permalinks
from bot.notify.quiet import night
from bot.notify.reminders import Reminders
from bot.policy import Policy
from bot.ports import Posted
from bot.store.delivery_news import NewsStore
from bot.store.mutes import MuteStore
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queues import delivered
from tests.unit.bot.notify.conftest import Clock, Process
from tests.views.samples import approval, plan, promotion

BO, MIA = (Caller(Person(f"U0{name.upper()}", name), "T0PILOT", timezone="Europe/Berlin") for name in ("bo", "mia"))
ASKED = promotion(Stage.APPROVAL)
NOON, NIGHT = (datetime(2026, 5, 4, hour, tzinfo=UTC).timestamp() for hour in (10, 1))
CARD = Posted("C0DEPLOY", "1.1")
YES = replace(approval(BO.person, "release-managers"), content_hash=ASKED.content_hash)


class Workspace:
    """The bot's process with copies and reminders in it."""

    def __init__(self, bot: Process, messenger: FakeMessenger, policy: Policy, clock: Clock) -> None:
        self.bot, self.messenger, self.clock = bot, messenger, clock
        self.mutes = MuteStore(bot.database)
        links = Permalinks(bot.messages.threads, messenger)
        journeys = JourneyLinks(NewsStore(bot.database), links)
        self.copies = Copies(bot.messages.threads, messenger, links, self.mutes, policy, journeys, clock=clock)
        self.reminders = Reminders(messenger, messenger, bot.messages.threads, self.copies, policy, clock=clock)
        clock.now = NOON

    async def ask(self, *people: Caller) -> None:
        await self.bot.cards.show(ASKED)
        await self.copies.send(ASKED, people)
        await delivered(self.bot.outbox)

    async def show(self, now: Promotion) -> None:
        await self.bot.cards.show(now)
        await delivered(self.bot.outbox)

    def seen(self, who: str) -> list[str]:
        return [str(message.shown.blocks) for message in self.messenger.in_channel(f"D0{who.upper()}")]


@pytest.fixture
def workspace(bot: Process, messenger: FakeMessenger, policy: Policy, clock: Clock) -> Workspace:
    return Workspace(bot, messenger, policy, clock)


async def test_each_approver_gets_the_essence_and_the_buttons(workspace: Workspace) -> None:
    await workspace.ask(BO, MIA)
    for who in ("bo", "mia"):
        [copy] = workspace.seen(who)
        assert "my-app → production · v1.4.1 → v1.4.2" in copy
        assert [word in copy for word in ("promotion.approve", "promotion.reject", "'Open'")] == [True] * 3
        assert ASKED.content_hash in copy
        card = workspace.messenger.in_channel("C0DEPLOY")[0].posted
        assert f"/archives/C0DEPLOY/p{card.ts.replace('.', '')}" in copy


async def test_asking_twice_is_asking_once(workspace: Workspace) -> None:
    """S3: the step is run again after a crash."""
    await workspace.ask(BO)
    await workspace.ask(BO)
    assert len(workspace.seen("bo")) == 1


async def test_decided_anywhere_every_copy_says_so_and_has_no_buttons(workspace: Workspace) -> None:
    await workspace.ask(BO, MIA)
    await workspace.show(replace(ASKED, approvals=(YES,)))
    for who in ("bo", "mia"):
        [copy] = workspace.seen(who)
        assert "promotion.approve" not in copy
        assert "<@U0BO>" in copy


async def test_what_goes_on_afterwards_does_not_edit_the_copies_again(workspace: Workspace) -> None:
    await workspace.ask(BO)
    decided = replace(ASKED, approvals=(YES,))
    for stage in (Stage.APPROVAL, Stage.COMMIT, Stage.FOLLOW):
        await workspace.show(replace(decided, stage=stage))
    [copy] = workspace.messenger.in_channel("D0BO")
    assert len(copy.versions) == 2
    await workspace.show(replace(decided, stage=Stage.DONE, phase=Phase.SUCCEEDED, outcome="It runs."))
    assert "It runs." in str(copy.shown.blocks)


async def test_who_is_muted_is_not_asked(workspace: Workspace) -> None:
    await workspace.mutes.mute(BO.person)
    await workspace.ask(BO, MIA)
    assert (len(workspace.seen("bo")), len(workspace.seen("mia"))) == (0, 1)
    await workspace.mutes.unmute(BO.person)
    await workspace.ask(BO, MIA)
    assert len(workspace.seen("bo")) == 1


async def test_who_has_muted_since_is_not_reminded(workspace: Workspace) -> None:
    await workspace.ask(BO, MIA)
    before = {name: workspace.seen(name) for name in ("bo", "mia")}
    await workspace.mutes.mute(BO.person)
    await workspace.reminders.remind(ASKED, CARD, 1, (BO, MIA), escalate=False)
    await delivered(workspace.bot.outbox)
    after = {name: workspace.seen(name) for name in ("bo", "mia")}
    assert (after["bo"] == before["bo"], after["mia"] == before["mia"]) == (True, False)


async def test_a_closed_conversation_keeps_nobody_else_from_hearing(workspace: Workspace) -> None:
    workspace.messenger.closed["U0BO"] = Refused("Slack", "chat.postMessage", "cannot_dm_bot")
    await workspace.ask(BO, MIA)
    assert len(workspace.seen("mia")) == 1
    await workspace.show(replace(ASKED, stage=Stage.DONE, phase=Phase.ABORTED))
    workspace.messenger.closed.clear()
    workspace.clock.now += 3600
    await delivered(workspace.bot.outbox)
    assert not workspace.seen("bo")  # it is over: nobody needs to be asked any more


async def test_a_copy_that_is_on_its_way_when_all_is_over_shows_the_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack takes its time for the post, and the promotion is aborted meanwhile."""
    post, done = workspace.messenger.post, replace(ASKED, stage=Stage.DONE, phase=Phase.ABORTED)

    async def slow(channel: str, *said: Any, **more: Any) -> Posted:
        if channel == "U0BO":
            await workspace.bot.cards.show(done)
        return await post(channel, *said, **more)

    monkeypatch.setattr(workspace.messenger, "post", slow)
    await workspace.ask(BO)
    [copy] = workspace.seen("bo")
    assert "promotion.approve" not in copy
    assert (await workspace.bot.outbox.counts()).stale_cards == 0


async def test_a_link_that_slack_does_not_tell_is_left_out(workspace: Workspace, monkeypatch: object) -> None:
    async def away(posted: Posted) -> str:
        raise Unavailable("Slack", "chat.getPermalink", "down")

    workspace.messenger.permalink = away  # type: ignore[method-assign]
    await workspace.ask(BO)
    [copy] = workspace.seen("bo")
    assert "promotion.approve" in copy
    assert "'Open'" not in copy


async def test_a_reminder_takes_the_place_of_the_one_before(workspace: Workspace) -> None:
    await workspace.ask(BO)
    first = workspace.messenger.in_channel("D0BO")[0].posted
    for number in (1, 2):
        await workspace.reminders.remind(ASKED, CARD, number, (BO,), escalate=False)
        await delivered(workspace.bot.outbox)
    [copy] = workspace.messenger.in_channel("D0BO")
    assert copy.posted.ts > first.ts  # it came again, at the end, and so it is seen
    assert "⏰" in copy.shown.text
    threaded = [message for message in workspace.messenger.in_channel("C0DEPLOY") if message.thread == CARD.ts]
    assert [message.key for message in threaded] == [f"reminder-2:{ASKED.id}"]


@pytest.mark.parametrize(
    ("kind", "people", "hour", "told"),
    [
        (Kind.PROMOTION, (BO,), NOON, True),
        (Kind.PROMOTION, (BO,), NIGHT, False),
        (Kind.PROMOTION, (BO, replace(MIA, timezone="America/Los_Angeles")), NIGHT, True),
        (Kind.PROMOTION, (), NIGHT, True),  # nobody knows where they are
        (Kind.ROLLBACK, (BO,), NIGHT, True),
    ],
)
async def test_nobody_is_woken_but_for_an_incident(
    workspace: Workspace, kind: Kind, people: tuple[Caller, ...], hour: float, *, told: bool
) -> None:
    workspace.clock.now = hour
    asked = replace(ASKED, plan=plan(kind=kind))
    await workspace.reminders.remind(asked, CARD, 1, people, escalate=False)
    assert bool(workspace.messenger.in_channel("C0DEPLOY")) == told


async def test_an_escalation_is_told_at_night_as_well(workspace: Workspace) -> None:
    workspace.clock.now = NIGHT
    asked = replace(ASKED, plan=plan(approval=replace(ASKED.plan.approval, escalate_to=("C0INC",))))
    await workspace.reminders.remind(asked, CARD, 1, (BO,), escalate=True)
    assert workspace.messenger.in_channel("C0INC")


@pytest.mark.parametrize(
    ("zone", "hour", "asleep"),
    [("Europe/Berlin", 5, False), ("Europe/Berlin", 4, True), ("Asia/Tokyo", 11, False), ("Asia/Tokyo", 12, True),
     ("", 20, False), ("", 21, True), ("Mars/Olympus", 22, True)],
)  # fmt: skip
def test_the_night_is_the_persons_own(zone: str, hour: int, policy: Policy, *, asleep: bool) -> None:
    at = datetime(2026, 5, 4, hour, tzinfo=UTC).timestamp()
    assert night(replace(BO, timezone=zone), policy, at) == asleep


async def test_a_refusal_reaches_who_is_not_in_the_cards_channel(workspace: Workspace) -> None:
    workspace.messenger.closed["C0DEPLOY"] = Refused("Slack", "chat.postEphemeral", "user_not_in_channel")
    await workspace.reminders.refuse("C0DEPLOY", "U0BO", "You may not.")
    await asyncio.sleep(0)
    assert ["You may not." in copy for copy in workspace.seen("bo")] == [True]
