"""What people hear of a story's turns: asked again, glass broken, rolled back by itself, gates that hold at last."""

from dataclasses import replace

import pytest

from bot.domain.caller import PILOTHOUSE
from bot.domain.errors import NotFound, Unavailable
from bot.domain.event import Event
from bot.domain.promotion import ApprovalRule, Kind, Phase, Promotion, Quorum, Stage
from bot.notify import Announcer
from bot.notify.audience import approvers
from bot.notify.channels import ChannelIds
from bot.policy import parse
from bot.store.subscriptions import SubscriptionStore
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queues import delivered
from tests.sentences import says
from tests.unit.bot.notify.conftest import Process
from tests.views.samples import ANA, AT, BO, MIA, plan, promotion

DONE = promotion(Stage.DONE, Phase.SUCCEEDED, finished_at=AT)
BROKEN = promotion(plan=plan(break_glass=True, reason="site is down", approval=ApprovalRule(0)))
VOIDED = "what the gates found has changed"


async def tell(bot: Process, shown: Promotion, *events: Event) -> None:
    await bot.cards.show(shown)
    for event in events:
        await bot.tell(shown, event)
    await delivered(bot.outbox)


def texts(messenger: FakeMessenger, channel: str) -> list[str]:
    return [message.shown.text for message in messenger.in_channel(channel)]


async def test_being_asked_again_is_told_again_and_a_repeated_step_is_not(
    bot: Process, messenger: FakeMessenger
) -> None:
    await tell(bot, promotion(), Event.WAITING, Event.WAITING)
    await tell(bot, promotion(voided=VOIDED), Event.WAITING, Event.WAITING)
    notes = [message for message in messenger.in_channel("C0DEPLOY") if message.thread]
    first, second = (note.shown.text for note in notes)
    assert says(first, "🚦 Waiting for", "release-managers")
    assert says(second, "🚦 Waiting again", "release-managers")
    assert f"no longer count: {VOIDED}" in str(notes[1].shown.blocks)
    assert len(texts(messenger, "C0GENERAL")) == 2


async def test_the_final_event_is_told_once_whatever_it_says(bot: Process, messenger: FakeMessenger) -> None:
    await tell(bot, DONE, Event.DONE)
    await tell(bot, replace(DONE, outcome="Told in other words."), Event.DONE)
    assert len(texts(messenger, "D0ANA")) == 1


async def test_broken_glass_is_heard_wherever_the_app_is_heard_of(bot: Process, messenger: FakeMessenger) -> None:
    """Also where only failures are told; and broadcast from the card's thread."""
    await tell(bot, BROKEN, Event.STARTED)
    [note] = [message for message in messenger.in_channel("C0DEPLOY") if message.thread]
    assert note.broadcast
    assert says(note.shown.text, "<@U0ANA>", "broke the glass", "site is down")
    for channel in ("C0GENERAL", "C0INC"):
        [told] = messenger.in_channel(channel)
        assert told.shown.text.startswith("🚨 <@U0ANA> started *my-app → production · v1.4.1 → v1.4.2*.")
        assert "broke the glass" in str(told.shown.blocks)


async def test_broken_glass_is_heard_in_the_default_channel_too(bot: Process, messenger: FakeMessenger) -> None:
    policy = parse("channels: {default: C0OPS}\n")
    announcer = Announcer(bot.outbox, policy)
    async with bot.database.begin() as connection:
        await announcer.put(connection, BROKEN, Event.STARTED)
        await announcer.put(connection, promotion(plan=plan(id="p-2")), Event.STARTED)
    await delivered(bot.outbox)
    assert len(texts(messenger, "C0OPS")) == 1


async def test_an_automatic_rollback_is_announced_with_its_evidence(bot: Process, messenger: FakeMessenger) -> None:
    back = plan(kind=Kind.ROLLBACK, automatic=True, requester=PILOTHOUSE, reason="it turned Degraded")
    await tell(bot, promotion(Stage.COMMIT, plan=back), Event.STARTED)
    [note] = [message for message in messenger.in_channel("C0DEPLOY") if message.thread]
    assert note.broadcast is True
    assert says(note.shown.text, "rolls back automatically", "it turned Degraded")


async def test_the_requester_hears_what_came_in_its_place(bot: Process, messenger: FakeMessenger) -> None:
    moved = promotion(Stage.DONE, Phase.FAILED, successor="p-next", outcome="The overlay was changed.", finished_at=AT)
    await tell(bot, moved, Event.FAILED)
    assert "➡️ A new card was issued: `p-next`." in str(messenger.in_channel("D0ANA")[0].shown.blocks)


@pytest.fixture
def subscriptions(bot: Process) -> SubscriptionStore:
    store = SubscriptionStore(bot.database)
    bot.announcer._subscriptions = store
    return store


async def test_who_asked_to_be_told_is_told_once_when_the_gates_hold(
    bot: Process, messenger: FakeMessenger, subscriptions: SubscriptionStore
) -> None:
    for person in (BO, BO, MIA):
        await subscriptions.add(promotion().id, person)
    await tell(bot, promotion(Stage.GATES), Event.STARTED)
    assert not texts(messenger, "D0BO")
    await tell(bot, promotion(), Event.WAITING, Event.WAITING)
    await tell(bot, DONE, Event.DONE)
    for channel in ("D0BO", "D0MIA"):
        [told] = texts(messenger, channel)
        assert told.startswith(
            "🔔 *my-app → production · v1.4.1 → v1.4.2*: every gate passes. "
            "Waiting for an approval from release-managers."
        )


async def test_who_asked_to_be_told_hears_also_that_it_came_to_nothing(
    bot: Process, messenger: FakeMessenger, subscriptions: SubscriptionStore
) -> None:
    aborted = promotion(Stage.DONE, Phase.ABORTED, finished_at=AT, outcome="Aborted by Ana.")
    for person in (BO, ANA):
        await subscriptions.add(aborted.id, person)
    await tell(bot, aborted, Event.ABORTED)
    assert texts(messenger, "D0BO") == ["🔔 *my-app → production · v1.4.1 → v1.4.2*: Aborted by Ana."]
    assert len(texts(messenger, "D0ANA")) == 1, "the requester hears the result anyway, and not twice"


async def test_a_channel_that_policy_names_is_the_one_that_slack_means(bot: Process, messenger: FakeMessenger) -> None:
    """S4: #deployments and C0DEPLOY are one, and the card's thread hears of it already."""
    policy = parse("channels: {routes: [{channel: '#deployments'}, {channel: general}, {channel: '#gone'}]}\n")
    channels = ChannelIds()

    async def id_of(name: str) -> str:
        ids = {"deployments": "C0DEPLOY", "general": "C0GENERAL"}
        if name.removeprefix("#") not in ids:
            raise NotFound("Slack", "conversations.list", f"channel_not_found: {name}")
        return ids[name.removeprefix("#")]

    await channels.learn(policy, id_of)
    bot.announcer = Announcer(bot.outbox, policy, channels=channels)
    await tell(bot, DONE, Event.DONE)
    assert len(texts(messenger, "C0DEPLOY")) == 2
    assert len(texts(messenger, "C0GENERAL")) == len(texts(messenger, "gone")) == 1


async def test_a_slack_that_is_away_at_the_start_leaves_the_names_as_they_are() -> None:
    channels = ChannelIds()

    async def id_of(_name: str) -> str:
        raise Unavailable("Slack", "conversations.list", "down")

    await channels.learn(parse("channels: {default: '#deployments'}\n"), id_of)
    assert channels.of("#deployments") == "deployments"


def waiting_for(rule: ApprovalRule) -> Promotion:
    return Promotion(plan(approval=rule), Phase.RUNNING, Stage.APPROVAL)


def test_who_may_approve_holds_for_every_quorum() -> None:
    policy = parse(
        "bindings:\n- {role: release-manager, groups: [S0RELEASE]}\n- {role: admin, users: [U0DEE]}\n"
        "- {role: engineer, groups: [S0ENG]}\n"
    )
    rule = ApprovalRule(2, ("release-manager",), alternatives=(Quorum(1, ("admin",)),))
    assert approvers(policy, waiting_for(rule)) == "<!subteam^S0RELEASE> or <@U0DEE>"
    assert approvers(policy, waiting_for(ApprovalRule(1))) == "<!subteam^S0RELEASE> or <@U0DEE>"
