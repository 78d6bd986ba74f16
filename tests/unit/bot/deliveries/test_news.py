"""Who hears of changes that Pilothouse did not make, in which message, and what becomes of it."""

import asyncio

import pytest

from bot.domain.caller import Target
from bot.domain.delivery import (
    Cause,
    Drifted,
    SyncedByHand,
    SyncUnknown,
)
from bot.domain.errors import Unavailable
from bot.domain.overlay import Author
from bot.domain.promotion import Progress
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.messages import Messages
from bot.store.promotions import PromotionStore
from tests.fakes.queues import delivered
from tests.unit.bot.deliveries.desk import IMAGE, Desk
from tests.views.samples import COMMIT, plan, promotion

# Who hears.


async def test_production_is_told_to_the_channel_and_names_the_author(desk: Desk) -> None:
    await desk.takes(desk.commit())
    [text] = desk.texts("C0DEPLOY")
    for words in ("my-app", "production", "v1 → v2", "by hand in git", "<@U0ANA>", "Hotfix", "abcdef1"):
        assert words in text
    assert desk.heard("D0ANA") == []


async def test_development_is_told_to_the_author_alone(desk: Desk) -> None:
    await desk.takes(desk.commit(environment="development"))
    assert len(desk.heard("D0ANA")) == 1
    assert desk.heard("C0DEPLOY") == []


@pytest.mark.parametrize("email", ["nobody@example.com", "", "gus@example.com", "dee@example.com"])
async def test_nobody_is_told_who_is_unknown_a_guest_or_may_not_view_the_app(desk: Desk, email: str) -> None:
    """gus is a guest, and dee holds no role here."""
    await desk.takes(
        desk.commit(environment="development", author=Author("X", email)), desk.commit(author=Author("X", email))
    )
    assert [message.posted.channel for message in desk.messenger.messages] == ["C0DEPLOY"]
    assert "<@" not in desk.texts("C0DEPLOY")[0]


async def test_a_failure_is_told_to_the_channel_wherever_it_happens(desk: Desk) -> None:
    await desk.takes(desk.commit(environment="staging"))
    await desk.takes(desk.verdict(Progress.FAILED, "The sync failed: no such table", environment="staging"))
    [text] = desk.texts("C0DEPLOY")
    assert "no such table" in text
    assert "<@U0ANA>" in text


@pytest.mark.parametrize(
    ("app", "environment", "channels"),
    [
        ("payments", "production", {"C0PAY"}),
        ("payments", "staging", {"D0ANA"}),
        ("routed", "production", {"C0ALL"}),
        ("routed", "staging", {"D0ANA"}),
        ("watched", "development", {"C0DEV", "D0ANA"}),
        ("watched", "production", {"C0DEV"}),
    ],
)
async def test_policy_routes_the_rest(desk: Desk, app: str, environment: str, channels: set[str]) -> None:
    await desk.takes(desk.commit(app, environment))
    assert {message.posted.channel for message in desk.messenger.messages} == channels


async def test_a_message_tells_of_its_app_and_of_several_of_where_they_are(desk: Desk) -> None:
    messages = Messages(desk.database)
    await desk.takes(desk.commit())
    [message] = desk.heard("C0DEPLOY")
    assert await messages.about([message.posted]) == Target("my-app", "production")
    await desk.takes(desk.commit("ledger"))
    [message] = desk.heard("C0DEPLOY")
    assert await messages.about([message.posted]) == Target("", "production")


@pytest.mark.parametrize("cause", [Cause.PROMOTION, Cause.ROLLBACK])
async def test_what_pilothouse_did_itself_is_no_news(desk: Desk, cause: Cause) -> None:
    await desk.takes(desk.commit(cause=cause))
    await desk.takes(desk.verdict(Progress.FAILED, "The sync failed"))
    assert desk.messenger.messages == []


async def test_an_illness_that_a_promotions_card_tells_is_not_told_twice(desk: Desk) -> None:
    async def live(commit: object) -> None:
        async with desk.database.begin() as connection:
            one = promotion(plan=plan(id="p-1"), commit=commit)
            if commit:
                await PromotionStore(desk.database).save(connection, one)
            else:
                await PromotionStore(desk.database).create(connection, one)

    await live(None)  # asked for, and not written: what runs is not its doing
    await desk.takes(desk.health("ill:1"))
    assert len(desk.heard("C0DEPLOY")) == 1
    await live(COMMIT)
    desk.now += 100
    await desk.takes(desk.health("ill:2"))
    assert len(desk.heard("C0DEPLOY")) == 1


# What becomes of it.


async def test_the_message_is_edited_until_the_deployment_is_healthy(desk: Desk) -> None:
    await desk.takes(desk.commit())
    desk.now += 60
    await desk.takes(desk.verdict(Progress.HEALTHY))
    [message] = desk.heard("C0DEPLOY")
    assert len(message.versions) == 2
    assert "✅" in message.shown.text


async def test_a_failure_that_another_sync_fixes_is_edited(desk: Desk) -> None:
    await desk.takes(desk.commit())
    desk.now += 60
    await desk.takes(desk.verdict(Progress.FAILED, "no such table"))
    desk.now += 60
    await desk.takes(desk.verdict(Progress.HEALTHY))
    first, failure = desk.heard("C0DEPLOY")
    assert "no such table" in str(failure.versions[0].blocks)
    assert "Healthy again" in failure.shown.text
    assert "Healthy" in first.shown.text


async def test_recovered_edits_the_message_of_the_illness(desk: Desk) -> None:
    await desk.takes(desk.health("ill:1"))
    desk.now += 600
    await desk.takes(desk.health("well:1", healthy=True))
    [message] = desk.heard("C0DEPLOY")
    assert "Deployment x: it crashes" in str(message.versions[0].blocks)
    assert "healthy again" in message.shown.text
    desk.now += 600
    await desk.takes(desk.health("ill:2"))
    assert len(desk.heard("C0DEPLOY")) == 2


async def test_drift_is_told_in_production_and_its_end_edits_it(desk: Desk) -> None:
    await desk.takes(desk.fact("drift:1", Drifted(("ConfigMap settings",))))
    await desk.takes(desk.fact("over:1", Drifted((), over=True)))
    [message] = desk.heard("C0DEPLOY")
    assert "ConfigMap settings" in str(message.versions[0].blocks)
    assert "back in line with git" in message.shown.text


async def test_what_argo_cd_cannot_compare_is_told_in_production_and_its_end_edits_it(desk: Desk) -> None:
    await desk.takes(desk.fact("unknown:1", SyncUnknown("ComparisonError: no such chart")))
    await desk.takes(desk.fact("unknown:1", SyncUnknown("x"), environment="staging"))
    [message] = desk.heard("C0DEPLOY")
    assert "has not been able to compare" in message.shown.text
    assert "ComparisonError: no such chart" in str(message.shown.blocks)
    await desk.takes(desk.fact("known:1", SyncUnknown("", over=True)))
    assert "compared with git again" in message.shown.text


async def test_a_sync_by_hand_in_argo_cd_says_who_and_that_git_says_something_else(desk: Desk) -> None:
    await desk.takes(desk.fact("argocd:1", SyncedByHand("abcdef1234", "mia", "k.yaml", (IMAGE,))))
    [text] = desk.texts("C0DEPLOY")
    assert "by hand in Argo CD" in text
    assert "mia" in text
    assert "Git says something else" in text


# Folding.


async def test_the_same_facts_again_say_nothing_again(desk: Desk) -> None:
    facts = desk.commit(), desk.health("ill:1")
    await desk.takes(*facts)
    desk.restart()
    desk.now += 3600
    await desk.takes(*facts)
    assert [len(message.versions) for message in desk.heard("C0DEPLOY")] == [1, 1]


async def test_news_of_one_kind_share_a_message_for_half_a_minute(desk: Desk) -> None:
    for app in ("a", "b", "c"):
        await desk.takes(desk.health("ill:1", app=app))
        desk.now += 10
    [message] = desk.heard("C0DEPLOY")
    assert "3 apps unwell" in message.shown.text
    desk.now += 1
    await desk.takes(desk.health("ill:1", app="d"))
    await desk.takes(desk.commit("e"))
    assert len(desk.heard("C0DEPLOY")) == 3


async def test_a_thousand_in_three_seconds_are_few_messages_and_none_is_lost(desk: Desk) -> None:
    for second in range(3):
        apps = range(second * 334, min(1000, (second + 1) * 334))
        await desk.takes(*(desk.health("ill:1", app=f"team-{number:04}-service") for number in apps))
        assert desk.heard("C0DEPLOY")  # the first of them at once
        desk.now += 1
    messages = desk.heard("C0DEPLOY")
    assert 2 <= len(messages) <= 10
    everything = " ".join(str(message.shown.blocks) for message in messages)
    assert [n for n in range(1000) if f"team-{n:04}-service" not in everything] == []
    assert sum(len(message.versions) for message in messages) <= 30


async def test_what_happened_while_it_was_away_is_one_summary(desk: Desk) -> None:
    facts = [desk.commit(f"app-{n}", sha=f"{n:040}", ago=7200) for n in range(5)]
    await desk.recorder.record([*facts, desk.health("ill:1", app="z", ago=4000), desk.commit("fresh")], late=True)
    await desk.tell()
    late, fresh = sorted(desk.heard("C0DEPLOY"), key=lambda message: "fresh" in message.shown.text)
    assert "Noticed late: 6 changes" in late.shown.text
    assert "fresh" in fresh.shown.text


async def test_while_slack_is_away_nothing_is_lost(desk: Desk) -> None:
    desk.messenger.failures.append(Unavailable("Slack", "chat.postMessage", "timeout"))
    await desk.takes(desk.commit())
    assert desk.heard("C0DEPLOY") == []
    desk.now += 400
    await delivered(desk.outbox)
    assert len(desk.heard("C0DEPLOY")) == 1


async def test_a_process_that_dies_before_it_tells_leaves_it_to_the_next(desk: Desk) -> None:
    await desk.recorder.record([desk.commit()])
    desk.restart()
    await desk.tell()
    assert len(desk.heard("C0DEPLOY")) == 1


async def test_while_slack_cannot_be_asked_who_it_was_it_is_told_all_the_same(desk: Desk) -> None:
    desk.directory.down = Unavailable("Slack", "users.lookupByEmail", "timeout")
    await desk.takes(desk.commit())
    assert "Ana Ng" in desk.texts("C0DEPLOY")[0]


async def test_it_tells_by_itself_when_something_is_added(desk: Desk) -> None:
    task = asyncio.create_task(desk.service.tell_forever())
    await asyncio.sleep(0.01)
    await desk.recorder.record([desk.commit()])
    async with asyncio.timeout(30):
        while not desk.heard("C0DEPLOY"):
            await asyncio.sleep(0.02)
            await delivered(desk.outbox)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_news_are_forgotten_after_a_month_and_the_facts_are_not(desk: Desk) -> None:
    await desk.takes(desk.health("ill:1"))
    desk.now += 31 * 86_400
    await desk.takes(desk.health("ill:2", app="other"))
    store = NewsStore(desk.database)
    assert await store.forget(desk.now - 30 * 86_400) == 1
    assert len(await DeliveryStore(desk.database).of()) == 2
    await desk.takes(desk.health("well:1", healthy=True), desk.health("well:2", app="other", healthy=True))
    assert [len(message.versions) for message in desk.heard("C0DEPLOY")] == [1, 2]
