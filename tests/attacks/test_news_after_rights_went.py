"""Who got news by direct message has lost the right to view since: no edit of it tells more, and none follows."""

from collections.abc import Callable, Iterable

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.promotion import Progress
from bot.domain.subscription import Scope, Subscription
from bot.policy import parse
from bot.store.delivery_news import Addressed
from tests.unit.bot.deliveries.conftest import harness
from tests.unit.bot.deliveries.delivery_harness import DeliveryHarness
from tests.unit.bot.deliveries.test_journeys import Way, roots, text

__all__ = ["harness"]

Leaving = Callable[[DeliveryHarness, str], None]
SECRET = "the pods of the merger do not start"


def demoted(harness: DeliveryHarness, id: str) -> None:
    harness.directory.groups = {names: users - {id} for names, users in harness.directory.groups.items()}


def unknown(harness: DeliveryHarness, id: str) -> None:
    del harness.directory.people[id]


LEAVES = [demoted, unknown]


async def subscribed(harness: DeliveryHarness, listener: str, app: str = "") -> None:
    await harness.subscriptions.subscribe([Subscription(listener, Scope(app), "U0BO")])


def told(harness: DeliveryHarness, channel: str) -> str:
    return str([message.versions for message in harness.heard(channel)])


@pytest.mark.parametrize("leave", LEAVES)
async def test_a_subscriber_reads_no_more_in_an_edit(harness: DeliveryHarness, leave: Leaving) -> None:
    await subscribed(harness, "U0BO", "my-app")
    await harness.takes(harness.commit())
    leave(harness, "U0BO")
    await harness.takes(harness.verdict(Progress.FAILED, SECRET))
    assert len(harness.heard("D0BO")) == 1
    assert SECRET not in told(harness, "D0BO")
    assert SECRET in told(harness, "C0DEPLOY")


@pytest.mark.parametrize("leave", LEAVES)
async def test_nor_does_the_author(harness: DeliveryHarness, leave: Leaving) -> None:
    await harness.takes(harness.commit(environment="development"))
    assert len(harness.heard("D0ANA")) == 1
    leave(harness, "U0ANA")
    await harness.takes(harness.verdict(Progress.FAILED, SECRET, environment="development"))
    assert SECRET not in told(harness, "D0ANA")


async def test_of_several_in_one_message_those_stay_that_may_be_seen(harness: DeliveryHarness) -> None:
    await subscribed(harness, "U0CY")
    harness.directory.groups["S0ALL", "release-managers"] = frozenset({"U0CY"})
    await harness.takes(harness.commit(), harness.commit(app="payments", sha="fedcba4321"))
    assert "payments" in told(harness, "D0CY")
    harness.policy = harness.policy.model_copy(
        update={"bindings": [one.model_copy(update={"apps": ("my-app",)}) for one in harness.policy.bindings]}
    )
    harness.restart()
    await harness.takes(harness.verdict(Progress.HEALTHY))
    (message,) = harness.heard("D0CY")
    assert "my-app" in str(message.shown)
    assert "payments" not in str(message.shown)


async def test_what_is_on_its_way_when_the_right_goes_is_not_told(harness: DeliveryHarness) -> None:
    """Slack could not say who somebody was, right after it was settled that they hear of it."""
    await subscribed(harness, "U0BO")
    settle = harness.service._store.address

    async def settled(addressed: Iterable[Addressed]) -> None:
        await settle(addressed)
        harness.directory.down = Unavailable("Slack", "users.info", "timeout")

    harness.service._store.address = settled  # type: ignore[method-assign]
    await harness.recorder.record([harness.commit()])
    await harness.tell()
    assert len(harness.heard("C0DEPLOY")) == 1
    assert not harness.heard("D0BO")
    harness.directory.down = None
    demoted(harness, "U0BO")
    harness.now += 600
    await harness.tell()
    assert not harness.heard("D0BO")


@pytest.mark.parametrize("error", [Unavailable("Slack", "users.info", "timeout"), Refused("Slack", "users.info", "x")])
async def test_who_cannot_be_looked_up_now_hears_later_and_holds_up_nobody(
    harness: DeliveryHarness, error: Exception
) -> None:
    await subscribed(harness, "U0BO")
    await harness.takes(harness.commit())
    find = harness.directory.caller

    async def caller(user: str, team: str = "") -> object:
        if user == "U0BO":
            raise error
        return await find(user, team)

    harness.directory.caller = caller  # type: ignore[method-assign,assignment]
    await harness.takes(harness.verdict(Progress.FAILED, SECRET))
    assert SECRET in told(harness, "C0DEPLOY")
    assert SECRET not in told(harness, "D0BO")
    harness.directory.caller = find  # type: ignore[method-assign]
    harness.now += 600
    await harness.tell()
    assert SECRET in told(harness, "D0BO")


async def test_a_journey_that_policy_sends_to_a_person_shows_what_that_person_may_view(
    harness: DeliveryHarness,
) -> None:
    """Whoever is not its author reads it as the author does."""
    harness.policy = parse("""
bindings: [{role: viewer, users: [U0CY], environments: [development]}]
channels: {routes: [{channel: U0CY, events: [journey]}]}
""")
    harness.restart()
    way = Way(harness)
    await way.goes(way.pushed(), way.started(), way.ended(), way.written("production"))
    await way.goes(way.judged("production", Progress.FAILED, SECRET))
    [root] = roots(harness, "D0CY")
    assert "development" in text(root)
    assert "production" not in text(root)
    assert SECRET not in told(harness, "D0CY")
