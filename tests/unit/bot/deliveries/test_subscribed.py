"""Who hears of news because they subscribed to it, and who has muted it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import NotFound, Unavailable
from bot.domain.event import Event
from bot.domain.promotion import Phase, Stage
from bot.domain.subscription import ANNOTATION, NewsMute, Scope, Subscription
from bot.notify.channels import ChannelIds
from bot.notify.promotion_news import PromotionNews
from bot.policy import parse
from bot.store.delivery_news import NewsStore
from tests.fakes.queues import delivered
from tests.unit.bot.deliveries.delivery_harness import POLICY, DeliveryHarness
from tests.views.samples import promotion


async def subscribed(
    harness: DeliveryHarness, listener: str, app: str = "", environment: str = "", event: str = "", by: str = ""
) -> None:
    await harness.subscriptions.subscribe([Subscription(listener, Scope(app, environment, event), by or listener)])


def heard(harness: DeliveryHarness) -> list[str]:
    return sorted(message.posted.channel for message in harness.messenger.messages)


async def test_a_person_hears_of_what_they_subscribed_to_and_of_nothing_else(harness: DeliveryHarness) -> None:
    await subscribed(harness, "U0BO", "my-app", "production", Event.DEGRADED)
    await harness.takes(harness.health("ill"))
    assert len(harness.heard("D0BO")) == 1
    await harness.takes(harness.health("ill2", app="payments"), harness.commit(environment="staging"), harness.commit())
    assert len(harness.heard("D0BO")) == 1


async def test_a_subscription_to_everything_hears_what_nobody_else_does(harness: DeliveryHarness) -> None:
    await subscribed(harness, "U0BO")
    await harness.takes(harness.commit(environment="development"))
    assert heard(harness) == ["D0ANA", "D0BO"]


@pytest.mark.parametrize("user", ["U0DEE", "U0GUS", "U0NOBODY"])
async def test_who_may_not_view_the_app_now_hears_nothing(harness: DeliveryHarness, user: str) -> None:
    """dee holds no role here, gus is a guest, and nobody is not there."""
    await subscribed(harness, user)
    await harness.takes(harness.commit())
    assert heard(harness) == ["C0DEPLOY"]


async def test_a_channel_hears_while_who_subscribed_it_may(harness: DeliveryHarness) -> None:
    harness.policy = parse(POLICY.replace("role: viewer", "role: release-manager"))
    harness.restart()
    await subscribed(harness, "C0TEAM", "my-app", by="U0BO")
    await subscribed(harness, "C0OTHER", "my-app", by="U0DEE")
    await subscribed(harness, "team-x", "my-app", "production", Event.DEPLOYED, by=ANNOTATION)
    await harness.takes(harness.commit())
    assert heard(harness) == ["C0DEPLOY", "C0TEAM", "team-x"]


async def test_nobody_is_told_twice(harness: DeliveryHarness) -> None:
    for event in ("", Event.DEPLOYED):
        await subscribed(harness, "C0DEPLOY", "my-app", event=event, by="U0BO")
    await harness.takes(harness.commit())
    assert heard(harness) == ["C0DEPLOY"]


async def test_what_is_muted_is_not_told_until_then(harness: DeliveryHarness) -> None:
    harness.policy = parse(POLICY.replace("role: viewer", "role: release-manager"))
    harness.restart()
    until = datetime.fromtimestamp(harness.now, UTC) + timedelta(hours=2)
    await subscribed(harness, "U0BO")
    await harness.subscriptions.mute(
        [NewsMute("U0BO", Scope("my-app"), until), NewsMute("C0DEPLOY", Scope(), until, "U0BO")]
    )
    await harness.takes(harness.commit(), harness.commit(app="payments"))
    assert len(harness.heard("D0BO")) == 1
    assert harness.heard("C0DEPLOY") == []
    harness.now += 2 * 3600 + 1
    await harness.takes(harness.health("ill"))
    assert len(harness.heard("D0BO")) == 2
    assert len(harness.heard("C0DEPLOY")) == 1


@pytest.mark.parametrize(
    ("by", "policy"),
    [
        ("U0BO", POLICY),  # a viewer by now
        ("U0BO", POLICY.replace("role: viewer", "role: release-manager, apps: [payments]")),
        ("U0NOBODY", POLICY),  # has left
        ("", POLICY),  # muted before it was on record
    ],
)
async def test_a_channel_hears_again_when_who_muted_it_no_longer_may(
    harness: DeliveryHarness, by: str, policy: str
) -> None:
    harness.policy = parse(policy)
    harness.restart()
    until = datetime.fromtimestamp(harness.now, UTC) + timedelta(hours=2)
    await harness.subscriptions.mute([NewsMute("C0DEPLOY", Scope("my-app"), until, by)])
    await harness.takes(harness.commit())
    assert len(harness.heard("C0DEPLOY")) == 1


async def test_silence_needs_somebody_who_may_so_it_is_told_while_slack_cannot_say_who_that_is(
    harness: DeliveryHarness,
) -> None:
    harness.policy = parse(POLICY.replace("role: viewer", "role: release-manager"))
    harness.restart()
    until = datetime.fromtimestamp(harness.now, UTC) + timedelta(hours=2)
    await harness.subscriptions.mute([NewsMute("C0DEPLOY", Scope("my-app"), until, "U0BO")])
    harness.directory.down = Unavailable("Slack", "users.info", "timeout")
    await harness.takes(harness.commit())
    assert len(harness.heard("C0DEPLOY")) == 1


async def test_while_slack_cannot_say_who_they_are_it_waits_and_the_rest_goes_on(harness: DeliveryHarness) -> None:
    await subscribed(harness, "U0BO", "my-app")
    harness.directory.down = Unavailable("Slack", "users.info", "timeout")
    await harness.takes(harness.commit(), harness.commit(app="payments"))
    assert harness.heard("D0BO") == []
    assert heard(harness)
    harness.directory.down = None
    harness.now += 10
    await harness.tell()
    await delivered(harness.outbox)
    assert len(harness.heard("D0BO")) == 1


DONE = promotion(Stage.DONE, Phase.SUCCEEDED)


async def promoted(harness: DeliveryHarness, event: Event = Event.DONE) -> None:
    news = PromotionNews(NewsStore(harness.database), harness.subscriptions, harness.policy, lambda: harness.now)
    async with harness.database.begin() as connection:
        await news.put(connection, DONE, event)
        await news.put(connection, DONE, event)
    await harness.tell()
    await delivered(harness.outbox)


@pytest.mark.parametrize("event", [Event.STARTED, Event.DONE, Event.FAILED, Event.ABORTED])
async def test_a_promotion_is_news_to_who_subscribed_to_it_alone(harness: DeliveryHarness, event: Event) -> None:
    await subscribed(harness, "U0BO", "my-app", event=event)
    await promoted(harness, event)
    assert heard(harness) == ["D0BO"]
    (text,) = harness.texts("D0BO")
    assert "my-app" in text
    assert "v1.4.1 → v1.4.2" in text


async def test_where_nobody_is_subscribed_a_promotion_is_no_news(harness: DeliveryHarness) -> None:
    await promoted(harness)
    assert await NewsStore(harness.database).unaddressed(10) == ()
    assert heard(harness) == []


async def test_who_reads_the_card_is_not_told_again(harness: DeliveryHarness) -> None:
    plan = DONE.plan
    for listener in (plan.channel, plan.requester.id):
        await subscribed(harness, listener, "my-app", by="U0BO")
    await promoted(harness)
    assert heard(harness) == []


async def test_waiting_is_no_news(harness: DeliveryHarness) -> None:
    await subscribed(harness, "U0BO")
    await promoted(harness, Event.WAITING)
    assert heard(harness) == []


async def test_annotations_replace_what_annotations_said_and_nothing_else(harness: DeliveryHarness) -> None:
    mine = Subscription("U0BO", Scope("my-app", "production"), "U0BO")
    await harness.subscriptions.subscribe([mine])
    for channels in (("a", "b"), ("b",)):
        found = [Subscription(name, Scope("my-app", "production", Event.DEGRADED), ANNOTATION) for name in channels]
        await harness.subscriptions.annotate({("my-app", "production"): found})
    assert {one.listener for one in await harness.subscriptions.all()} == {"U0BO", "b"}
    assert await harness.subscriptions.unsubscribe("b", "", "", ()) == 0
    assert await harness.subscriptions.unsubscribe("U0BO", "my-app", "", ("degraded",)) == 0
    assert await harness.subscriptions.unsubscribe("U0BO", "my-app", "", ()) == 1


async def id_of(name: str) -> str:
    if name == "team":
        return "C0TEAM"
    raise NotFound("Slack", "conversations.list", f"channel_not_found: {name}")


def annotated(*channels: str) -> list[Subscription]:
    return [Subscription(name, Scope("payments", "staging", Event.DEPLOYED), ANNOTATION) for name in channels]


@pytest.mark.parametrize("muted", [False, True])
async def test_a_channel_that_an_annotation_names_is_the_one_that_people_subscribe_and_mute(
    harness: DeliveryHarness, muted: bool
) -> None:
    """Slack calls it C0TEAM. One that nobody finds keeps its name."""
    harness.policy = parse(POLICY.replace("role: viewer", "role: release-manager"))
    harness.restart()
    await harness.channels.learn(harness.policy, id_of)
    await harness.subscriptions.annotate({("payments", "staging"): annotated("team", "gone")})
    await subscribed(harness, "C0TEAM", "payments", by="U0BO")
    if muted:
        until = datetime.fromtimestamp(harness.now, UTC) + timedelta(hours=2)
        await harness.subscriptions.mute([NewsMute("C0TEAM", Scope("payments"), until, "U0BO")])
    await harness.takes(harness.commit(app="payments", environment="staging"))
    assert sorted(heard(harness)) == [*([] if muted else ["C0TEAM"]), "D0ANA", "gone"]


async def test_a_name_that_no_channel_has_is_asked_for_now_and_then() -> None:
    asked: list[str] = []
    now = [0.0]
    channels = ChannelIds(lambda: now[0])

    async def lookup(name: str) -> str:
        asked.append(name)
        return await id_of(name)

    await channels.learn(parse("bindings: []"), lookup)
    for now[0] in (1.0, 2.0, 500.0, 700.0):
        assert await channels.find("gone") == "gone"
        assert await channels.find("#team") == "C0TEAM"
        assert (await channels.find("U0BO"), await channels.find("C0X")) == ("U0BO", "C0X")
    assert asked == ["gone", "team", "gone"]


async def test_who_asks_at_the_same_time_gets_the_same_answer() -> None:
    channels, told = ChannelIds(), asyncio.Event()

    async def lookup(name: str) -> str:
        await told.wait()
        return await id_of(name)

    await channels.learn(parse("bindings: []"), lookup)
    both = asyncio.gather(channels.find("team"), channels.find("team"))
    await asyncio.sleep(0)
    told.set()
    assert [*await both] == ["C0TEAM", "C0TEAM"]


async def test_a_slack_that_does_not_answer_is_asked_again_and_no_name_goes_out(harness: DeliveryHarness) -> None:
    away = True

    async def lookup(name: str) -> str:
        if away:
            raise Unavailable("Slack", "conversations.list", "timeout")
        return await id_of(name)

    await harness.channels.learn(parse("bindings: []"), lookup)
    await harness.subscriptions.annotate({("payments", "staging"): annotated("team")})
    await harness.takes(harness.commit(app="payments", environment="staging"))
    assert "team" not in heard(harness)
    away = False
    harness.now += 10
    await harness.tell()
    await delivered(harness.outbox)
    assert "C0TEAM" in heard(harness)
