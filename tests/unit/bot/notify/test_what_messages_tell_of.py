"""Every message that we post is on record with the app and the environment that it tells of: shortcuts ask for them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.caller import Caller, Person, Target, common
from bot.domain.event import Event
from bot.domain.promotion import Phase, Stage
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.messages import Bulletins
from bot.notify.permalinks import Permalinks
from bot.notify.reminders import Reminders
from bot.policy import Policy
from bot.ports import Posted, Rendered
from bot.store.delivery_news import NewsStore
from bot.store.mutes import MuteStore
from bot.store.outbox import OutboxEntry
from tests.fakes.messenger import FakeMessage, FakeMessenger
from tests.fakes.queues import delivered
from tests.unit.bot.notify.conftest import Clock, Process
from tests.views.samples import move, plan, promotion

HERE = Target("my-app", "production")
ASKED = promotion(Stage.APPROVAL)
BO = Caller(Person("U0BO", "bo"), "T0PILOT", timezone="UTC")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp()


async def told(bot: Process, message: FakeMessage) -> Target:
    """As a shortcut in the message's menu asks: by its own time, else by its thread's."""
    channel = message.posted.channel
    places = [message.posted, *([Posted(channel, message.thread)] if message.thread else [])]
    return await bot.messages.threads.about(places)


async def assert_all_tell(bot: Process, messenger: FakeMessenger, about: Target, *channels: str) -> None:
    await delivered(bot.outbox)
    for channel in channels:
        assert messenger.in_channel(channel), channel
    for message in messenger.messages:
        assert await told(bot, message) == about, message.posted.channel


async def test_a_card_its_notices_and_its_result_tell_of_its_app(bot: Process, messenger: FakeMessenger) -> None:
    failed = replace(ASKED, stage=Stage.DONE, phase=Phase.FAILED, outcome="It crashes.")
    await bot.cards.show(ASKED)
    await bot.tell(ASKED, Event.WAITING)
    await bot.tell(failed, Event.FAILED)
    await assert_all_tell(bot, messenger, HERE, "C0DEPLOY", "C0GENERAL", "C0INC", "D0ANA")


async def test_a_train_tells_of_its_environment_alone(bot: Process, messenger: FakeMessenger) -> None:
    train = replace(ASKED, plan=plan(moves=(move("my-app", "1", "2"), move("payments", "1", "2"))))
    await bot.cards.show(train)
    await bot.tell(train, Event.WAITING)
    await assert_all_tell(bot, messenger, Target("", "production"), "C0DEPLOY", "C0GENERAL")


async def test_copies_and_reminders_tell_of_it_wherever_they_are(
    bot: Process, messenger: FakeMessenger, policy: Policy, clock: Clock
) -> None:
    clock.now = NOON
    links = Permalinks(bot.messages.threads, messenger)
    journeys = JourneyLinks(NewsStore(bot.database), links)
    copies = Copies(bot.messages.threads, messenger, links, MuteStore(bot.database), policy, journeys, clock=clock)
    reminders = Reminders(messenger, messenger, bot.messages.threads, copies, policy, clock=clock)
    asked = replace(ASKED, plan=plan(approval=replace(ASKED.plan.approval, escalate_to=("C0INC",))))
    card = await bot.cards.show(asked)
    await copies.send(asked, [BO])
    await delivered(bot.outbox)
    await assert_all_tell(bot, messenger, HERE, "D0BO")
    await reminders.remind(asked, card, 1, (BO,), escalate=True)
    await reminders.alarm(asked, card, "Its records disagree.")
    await assert_all_tell(bot, messenger, HERE, "D0BO", "C0DEPLOY", "C0INC")


async def test_a_bulletin_tells_of_what_its_writer_says(bot: Process, messenger: FakeMessenger, clock: Clock) -> None:
    bulletins = Bulletins(bot.messages, messenger, clock=clock)
    await bulletins.show("run-1", "C0DEPLOY", Rendered("It runs."), Target("my-app"))
    await bulletins.note("news-1", "C0GENERAL", Rendered("It is there."), Target("my-app"))
    await assert_all_tell(bot, messenger, Target("my-app"), "C0DEPLOY", "C0GENERAL")


async def test_what_is_known_of_a_message_stays_until_somebody_says_otherwise(
    bot: Process, messenger: FakeMessenger, clock: Clock
) -> None:
    """Of a run that is gone from its cluster nobody knows the app; news of a second app join those of the first."""
    bulletins = Bulletins(bot.messages, messenger, clock=clock)
    await bulletins.show("run-1", "C0DEPLOY", Rendered("It runs."), Target("my-app"))
    await bulletins.show("run-1", "C0DEPLOY", Rendered("It is gone."), None)
    await assert_all_tell(bot, messenger, Target("my-app"), "C0DEPLOY")
    await bulletins.show("run-1", "C0DEPLOY", Rendered("And another one."), Target())
    await assert_all_tell(bot, messenger, Target(), "C0DEPLOY")


@pytest.mark.parametrize(
    ("apps", "about"),
    [(("my-app",), HERE), ((), Target("", "production")), (("a", "b"), Target("", "production"))],
)
async def test_the_first_letter_in_a_channel_tells_of_what_it_is_about(
    bot: Process, messenger: FakeMessenger, apps: tuple[str, ...], about: Target
) -> None:
    """A lock, a freeze of a whole environment, the turn of a train."""
    async with bot.database.begin() as connection:
        entry = OutboxEntry(apps, "production", "locked-1", Event.LOCKED, "C0DEPLOY", Rendered("It is locked."))
        await bot.outbox.put(connection, entry)
    await assert_all_tell(bot, messenger, about, "C0DEPLOY")


async def test_at_another_place_nothing_is_known(bot: Process, messenger: FakeMessenger) -> None:
    card = await bot.cards.show(ASKED)
    assert await bot.messages.threads.about([Posted("C0OTHER", card.ts)]) == Target()
    assert await bot.messages.threads.about([Posted(card.channel, "")]) == Target()
    assert await bot.messages.threads.about([]) == Target()


@pytest.mark.parametrize(
    ("targets", "shared"),
    [
        ([HERE], HERE),
        ([HERE, Target("my-app", "staging")], Target("my-app", "")),
        ([HERE, Target("payments", "production")], Target("", "production")),
        ([HERE, Target("payments", "staging")], Target()),
        ([HERE, Target("", "production")], Target("", "production")),
        ([], Target()),
    ],
)
def test_what_several_have_in_common(targets: list[Target], shared: Target) -> None:
    assert common(targets) == shared
