"""Who hears of changes that Pilothouse did not make, in which message, and what becomes of it."""

import asyncio

import pytest

from bot.domain.build import RunEnded
from bot.domain.caller import Target
from bot.domain.delivery import (
    Cause,
    Drifted,
    SyncedByHand,
    SyncUnknown,
)
from bot.domain.errors import Unavailable
from bot.domain.overlay import Author
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Progress
from bot.policy import parse
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.messages import Messages
from bot.store.promotions import PromotionStore
from tests.fakes.queues import delivered
from tests.unit.bot.deliveries.delivery_harness import IMAGE, DeliveryHarness
from tests.views.samples import COMMIT, plan, promotion

# Who hears.

RUNS = """
bindings: [{role: viewer, groups: [engineers]}]
channels:
  default: C0DEPLOY
  routes: [{channel: C0BUILDS, apps: [my-app], events: [pipeline-ended]}, {channel: C0EVERY, events: ["*"]}]
"""


async def test_production_is_told_to_the_channel_and_names_the_author(harness: DeliveryHarness) -> None:
    await harness.takes(harness.commit())
    [text] = harness.texts("C0DEPLOY")
    for words in ("my-app", "production", "v1 → v2", "by hand in git", "<@U0ANA>", "Hotfix", "abcdef1"):
        assert words in text
    assert harness.heard("D0ANA") == []


async def test_development_is_told_to_the_author_alone(harness: DeliveryHarness) -> None:
    await harness.takes(harness.commit(environment="development"))
    assert len(harness.heard("D0ANA")) == 1
    assert harness.heard("C0DEPLOY") == []


@pytest.mark.parametrize("email", ["nobody@example.com", "", "gus@example.com", "dee@example.com"])
async def test_nobody_is_told_who_is_unknown_a_guest_or_may_not_view_the_app(
    harness: DeliveryHarness, email: str
) -> None:
    """gus is a guest, and dee holds no role here."""
    await harness.takes(
        harness.commit(environment="development", author=Author("X", email)), harness.commit(author=Author("X", email))
    )
    assert [message.posted.channel for message in harness.messenger.messages] == ["C0DEPLOY"]
    assert "<@" not in harness.texts("C0DEPLOY")[0]


async def test_a_failure_is_told_to_the_channel_wherever_it_happens(harness: DeliveryHarness) -> None:
    await harness.takes(harness.commit(environment="staging"))
    await harness.takes(harness.verdict(Progress.FAILED, "The sync failed: no such table", environment="staging"))
    [text] = harness.texts("C0DEPLOY")
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
async def test_policy_routes_the_rest(harness: DeliveryHarness, app: str, environment: str, channels: set[str]) -> None:
    await harness.takes(harness.commit(app, environment))
    assert {message.posted.channel for message in harness.messenger.messages} == channels


async def test_a_message_tells_of_its_app_and_of_several_of_where_they_are(harness: DeliveryHarness) -> None:
    messages = Messages(harness.database)
    await harness.takes(harness.commit())
    [message] = harness.heard("C0DEPLOY")
    assert await messages.threads.about([message.posted]) == Target("my-app", "production")
    await harness.takes(harness.commit("ledger"))
    [message] = harness.heard("C0DEPLOY")
    assert await messages.threads.about([message.posted]) == Target("", "production")


@pytest.mark.parametrize("cause", [Cause.PROMOTION, Cause.ROLLBACK])
async def test_what_pilothouse_did_itself_is_no_news(harness: DeliveryHarness, cause: Cause) -> None:
    await harness.takes(harness.commit(cause=cause))
    await harness.takes(harness.verdict(Progress.FAILED, "The sync failed"))
    assert harness.messenger.messages == []


async def test_an_illness_that_a_promotions_card_tells_is_not_told_twice(harness: DeliveryHarness) -> None:
    async def live(commit: object) -> None:
        async with harness.database.begin() as connection:
            one = promotion(plan=plan(id="p-1"), commit=commit)
            if commit:
                await PromotionStore(harness.database).save(connection, one)
            else:
                await PromotionStore(harness.database).create(connection, one)

    await live(None)  # asked for, and not written: what runs is not its doing
    await harness.takes(harness.health("ill:1"))
    assert len(harness.heard("C0DEPLOY")) == 1
    await live(COMMIT)
    harness.now += 100
    await harness.takes(harness.health("ill:2"))
    assert len(harness.heard("C0DEPLOY")) == 1


# What becomes of it.


async def test_the_message_is_edited_until_the_deployment_is_healthy(harness: DeliveryHarness) -> None:
    await harness.takes(harness.commit())
    harness.now += 60
    await harness.takes(harness.verdict(Progress.HEALTHY))
    [message] = harness.heard("C0DEPLOY")
    assert len(message.versions) == 2
    assert "✅" in message.shown.text


async def test_a_failure_that_another_sync_fixes_is_edited(harness: DeliveryHarness) -> None:
    await harness.takes(harness.commit())
    harness.now += 60
    await harness.takes(harness.verdict(Progress.FAILED, "no such table"))
    harness.now += 60
    await harness.takes(harness.verdict(Progress.HEALTHY))
    first, failure = harness.heard("C0DEPLOY")
    assert "no such table" in str(failure.versions[0].blocks)
    assert "Healthy again" in failure.shown.text
    assert "Healthy" in first.shown.text


async def test_recovered_edits_the_message_of_the_illness(harness: DeliveryHarness) -> None:
    await harness.takes(harness.health("ill:1"))
    harness.now += 600
    await harness.takes(harness.health("well:1", healthy=True))
    [message] = harness.heard("C0DEPLOY")
    assert "Deployment x: it crashes" in str(message.versions[0].blocks)
    assert "healthy again" in message.shown.text
    assert "reason was: Deployment x" in str(message.shown.blocks), "not as if it still crashed"
    harness.now += 600
    await harness.takes(harness.health("ill:2"))
    assert len(harness.heard("C0DEPLOY")) == 2


async def test_drift_is_told_in_production_and_its_end_edits_it(harness: DeliveryHarness) -> None:
    await harness.takes(harness.fact("drift:1", Drifted(("ConfigMap settings",))))
    await harness.takes(harness.fact("over:1", Drifted((), over=True)))
    [message] = harness.heard("C0DEPLOY")
    assert "ConfigMap settings" in str(message.versions[0].blocks)
    assert "back in line with git" in message.shown.text


async def test_what_argo_cd_cannot_compare_is_told_in_production_and_its_end_edits_it(harness: DeliveryHarness) -> None:
    await harness.takes(harness.fact("unknown:1", SyncUnknown("ComparisonError: no such chart")))
    await harness.takes(harness.fact("unknown:1", SyncUnknown("x"), environment="staging"))
    [message] = harness.heard("C0DEPLOY")
    assert "has not been able to compare" in message.shown.text
    assert "ComparisonError: no such chart" in str(message.shown.blocks)
    await harness.takes(harness.fact("known:1", SyncUnknown("", over=True)))
    assert "compared with git again" in message.shown.text


async def test_a_sync_by_hand_in_argo_cd_says_who_and_that_git_says_something_else(harness: DeliveryHarness) -> None:
    await harness.takes(harness.fact("argocd:1", SyncedByHand("abcdef1234", "mia", "k.yaml", (IMAGE,))))
    [text] = harness.texts("C0DEPLOY")
    assert "by hand in Argo CD" in text
    assert "mia" in text
    assert "Git says something else" in text


# Folding.


async def test_the_same_facts_again_say_nothing_again(harness: DeliveryHarness) -> None:
    facts = harness.commit(), harness.health("ill:1")
    await harness.takes(*facts)
    harness.restart()
    harness.now += 3600
    await harness.takes(*facts)
    assert [len(message.versions) for message in harness.heard("C0DEPLOY")] == [1, 1]


async def test_news_of_one_kind_share_a_message_for_half_a_minute(harness: DeliveryHarness) -> None:
    for app in ("a", "b", "c"):
        await harness.takes(harness.health("ill:1", app=app))
        harness.now += 10
    [message] = harness.heard("C0DEPLOY")
    assert "3 apps unwell" in message.shown.text
    harness.now += 1
    await harness.takes(harness.health("ill:1", app="d"))
    await harness.takes(harness.commit("e"))
    assert len(harness.heard("C0DEPLOY")) == 3


async def test_a_thousand_in_three_seconds_are_few_messages_and_none_is_lost(harness: DeliveryHarness) -> None:
    for second in range(3):
        apps = range(second * 334, min(1000, (second + 1) * 334))
        await harness.takes(*(harness.health("ill:1", app=f"team-{number:04}-service") for number in apps))
        assert harness.heard("C0DEPLOY")  # the first of them at once
        harness.now += 1
    messages = harness.heard("C0DEPLOY")
    assert 2 <= len(messages) <= 10
    everything = " ".join(str(message.shown.blocks) for message in messages)
    assert [n for n in range(1000) if f"team-{n:04}-service" not in everything] == []
    assert sum(len(message.versions) for message in messages) <= 30


async def test_what_happened_while_it_was_away_is_one_summary(harness: DeliveryHarness) -> None:
    facts = [harness.commit(f"app-{n}", sha=f"{n:040}", ago=7200) for n in range(5)]
    await harness.recorder.record(
        [*facts, harness.health("ill:1", app="z", ago=4000), harness.commit("fresh")], late=True
    )
    await harness.tell()
    late, fresh = sorted(harness.heard("C0DEPLOY"), key=lambda message: "fresh" in message.shown.text)
    assert "Noticed late: 6 changes" in late.shown.text
    assert "fresh" in fresh.shown.text


async def test_while_slack_is_away_nothing_is_lost(harness: DeliveryHarness) -> None:
    harness.messenger.failures.append(Unavailable("Slack", "chat.postMessage", "timeout"))
    await harness.takes(harness.commit())
    assert harness.heard("C0DEPLOY") == []
    harness.now += 400
    await delivered(harness.outbox)
    assert len(harness.heard("C0DEPLOY")) == 1


async def test_a_process_that_dies_before_it_tells_leaves_it_to_the_next(harness: DeliveryHarness) -> None:
    await harness.recorder.record([harness.commit()])
    harness.restart()
    await harness.tell()
    assert len(harness.heard("C0DEPLOY")) == 1


async def test_while_slack_cannot_be_asked_who_it_was_it_is_told_all_the_same(harness: DeliveryHarness) -> None:
    harness.directory.down = Unavailable("Slack", "users.lookupByEmail", "timeout")
    await harness.takes(harness.commit())
    assert "Ana Ng" in harness.texts("C0DEPLOY")[0]


async def test_it_tells_by_itself_when_something_is_added(harness: DeliveryHarness) -> None:
    task = asyncio.create_task(harness.service.tell_forever())
    await asyncio.sleep(0.01)
    await harness.recorder.record([harness.commit()])
    async with asyncio.timeout(30):
        while not harness.heard("C0DEPLOY"):
            await asyncio.sleep(0.02)
            await delivered(harness.outbox)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_news_are_forgotten_after_a_month_and_the_facts_are_not(harness: DeliveryHarness) -> None:
    await harness.takes(harness.health("ill:1"))
    harness.now += 31 * 86_400
    await harness.takes(harness.health("ill:2", app="other"))
    store = NewsStore(harness.database)
    assert await store.forget(harness.now - 30 * 86_400) == 1
    assert len(await DeliveryStore(harness.database).of()) == 2
    await harness.takes(harness.health("well:1", healthy=True), harness.health("well:2", app="other", healthy=True))
    assert [len(message.versions) for message in harness.heard("C0DEPLOY")] == [1, 2]


async def test_the_end_of_a_pipeline_run_is_told_where_a_route_names_it(harness: DeliveryHarness) -> None:
    """Not by `*`, not twice, and not of one that was deleted or ended long ago."""
    harness.policy = parse(RUNS)
    harness.restart()
    ends = (("a", RunStatus.SUCCEEDED, "my-app", 0), ("b", RunStatus.FAILED, "my-app", 0),
            ("c", RunStatus.CANCELLED, "my-app", 0), ("d", RunStatus.DELETED, "my-app", 0),
            ("e", RunStatus.SUCCEEDED, "other", 0), ("f", RunStatus.SUCCEEDED, "my-app", 7200))  # fmt: skip
    facts = [
        harness.fact(f"run:{run}", RunEnded(run, status, "c0ffee" + "0" * 34, reason="no <!channel>"), app, "", ago)
        for run, status, app, ago in ends
    ]
    await harness.takes(*facts)
    await harness.takes(*facts)
    [message] = harness.heard("C0BUILDS")
    text = str(message.shown.blocks)
    for words in ("3 pipeline runs ended", "`a` succeeded", "`b` failed", "`c` was cancelled", "c0ffee0"):
        assert words in text
    assert "<!channel>" not in text
    assert {one.posted.channel for one in harness.messenger.messages} == {"C0BUILDS"}
