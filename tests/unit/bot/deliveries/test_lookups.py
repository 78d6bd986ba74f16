"""Who hears of news is asked of Slack, which may be slow or away: nothing is lost by that, and nobody waits for it."""

import asyncio

import pytest
import sqlalchemy as sa

from bot.deliveries.recipients import ASKED_SECONDS
from bot.domain.caller import Caller
from bot.domain.errors import DatabaseAway, IntegrationError, Refused, Unavailable
from bot.domain.overlay import Author
from bot.domain.promotion import Progress
from bot.domain.subscription import Scope, Subscription
from bot.store.delivery_news import news
from tests.unit.bot.deliveries.delivery_harness import DeliveryHarness
from tests.unit.bot.deliveries.test_journeys import Way

AWAY = Unavailable("Slack", "users.lookupByEmail", "ratelimited")
FAILURES = [AWAY, Refused("Slack", "users.lookupByEmail", "missing_scope")]


def impatient(harness: DeliveryHarness) -> None:
    """For what never answers."""
    harness.patience = 0.5
    harness.restart()


async def passes(harness: DeliveryHarness, seconds: float) -> None:
    harness.now += seconds
    await harness.tell()


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("restarts", [False, True])
async def test_an_author_whom_slack_could_not_name_hears_of_it_when_it_can(
    harness: DeliveryHarness, failure: IntegrationError, *, restarts: bool
) -> None:
    harness.directory.down = failure
    await harness.takes(harness.commit(environment="development"))
    await passes(harness, 60)
    assert harness.heard("D0ANA") == []
    harness.directory.down = None
    if restarts:
        harness.restart()
    await passes(harness, 300)
    assert len(harness.heard("D0ANA")) == 1
    await harness.takes(harness.verdict(Progress.HEALTHY, environment="development"))
    assert len(harness.heard("D0ANA")) == 1


@pytest.mark.parametrize("failure", FAILURES)
async def test_the_journey_of_an_author_whom_slack_could_not_name_is_not_lost(
    harness: DeliveryHarness, failure: IntegrationError
) -> None:
    way = Way(harness)
    harness.directory.down = failure
    await way.goes(way.pushed(), way.started())
    harness.directory.down = None
    await passes(harness, 300)
    assert len(harness.heard("D0ANA")) == 1


async def test_a_channel_hears_at_once_and_its_message_names_the_author_later(harness: DeliveryHarness) -> None:
    harness.directory.down = AWAY
    await harness.takes(harness.commit())
    assert "<@U0ANA>" not in harness.texts("C0DEPLOY")[0]
    harness.directory.down = None
    await passes(harness, 300)
    [message] = harness.texts("C0DEPLOY")
    assert "<@U0ANA>" in message


async def test_a_channel_hears_at_once_though_a_subscriber_cannot_be_looked_up(harness: DeliveryHarness) -> None:
    await harness.subscriptions.subscribe([Subscription("U0BO", Scope("my-app", "production", "degraded"), "U0BO")])
    harness.directory.down = AWAY
    await harness.takes(harness.health("ill:1"))
    assert (len(harness.heard("C0DEPLOY")), len(harness.heard("D0BO"))) == (1, 0)
    harness.directory.down = None
    await passes(harness, 300)
    assert (len(harness.heard("C0DEPLOY")), len(harness.heard("D0BO"))) == (1, 1)


async def test_slack_is_not_asked_for_ever_nor_without_a_break(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def fails(email: str) -> Caller:
        asked.append(email)
        raise AWAY

    monkeypatch.setattr(harness.directory, "by_email", fails)
    await harness.takes(harness.commit(environment="development"))
    for _ in range(60):
        await passes(harness, 10)
    assert 4 < len(asked) < 12
    await passes(harness, ASKED_SECONDS)
    asked.clear()
    await passes(harness, 600)
    assert asked == []


async def test_a_slow_look_up_holds_up_nobody_else(harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(harness)
    answers, by_email = asyncio.Event(), harness.directory.by_email

    async def slow(email: str) -> Caller:
        await answers.wait()
        return await by_email(email)

    monkeypatch.setattr(harness.directory, "by_email", slow)
    commits = [
        harness.commit(app=f"a{n}", environment="development", author=Author("X", f"x{n}@example.com"), sha=f"{n:040x}")
        for n in range(40)
    ]
    await harness.takes(*commits, harness.commit(environment="development"), harness.health("ill:1"))
    assert len(harness.heard("C0DEPLOY")) == 1
    assert harness.heard("D0ANA") == []
    answers.set()
    for _ in range(20):
        await asyncio.sleep(0)
    await harness.tell()
    assert len(harness.heard("D0ANA")) == 1


async def test_look_ups_go_side_by_side(harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for another one to have begun."""
    begun, by_email = 0, harness.directory.by_email
    together = asyncio.Event()

    async def counted(email: str) -> Caller:
        nonlocal begun
        begun += 1
        if begun == 10:
            together.set()
        await together.wait()
        return await by_email(email)

    monkeypatch.setattr(harness.directory, "by_email", counted)
    commits = (harness.commit(app=f"a{n}", sha=f"{n:040x}", author=Author("X", f"x{n}@example.com")) for n in range(10))
    await harness.takes(*commits)
    assert begun == 10


async def test_an_author_of_many_changes_is_asked_about_once(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, by_email = [], harness.directory.by_email

    async def counted(email: str) -> Caller:
        asked.append(email)
        return await by_email(email)

    monkeypatch.setattr(harness.directory, "by_email", counted)
    await harness.takes(*(harness.commit(app=f"a{n}", environment="development", sha=f"{n:040x}") for n in range(10)))
    assert "a9" in str(harness.texts("D0ANA"))
    assert asked == ["ana@example.com"]


async def subscribe(harness: DeliveryHarness, *people: str) -> None:
    await harness.subscriptions.subscribe([Subscription(one, Scope("my-app"), one) for one in people])


def refuse(harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, person: str) -> list[str]:
    """Slack answers nothing about this person, whoever asks; the persons that were asked about."""
    caller, asked = harness.directory.caller, []

    async def refuses(user: str, team: str = "") -> Caller:
        asked.append(user)
        if user == person:
            raise Refused("Slack", "users.info", "user_not_visible")
        return await caller(user, team)

    monkeypatch.setattr(harness.directory, "caller", refuses)
    return asked


async def test_somebody_whom_slack_never_names_keeps_nobody_else_from_hearing(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe(harness, "U0MIA", "U0BO")
    with monkeypatch.context() as patch:
        asked = refuse(harness, patch, "U0MIA")
        await harness.takes(harness.commit(environment="development"))
        heard = {channel: len(harness.heard(channel)) for channel in ("D0ANA", "D0BO", "D0MIA")}
        assert heard == {"D0ANA": 1, "D0BO": 1, "D0MIA": 0}
        asked.clear()
        for _ in range(60):
            await passes(harness, 10)
        assert 4 < asked.count("U0MIA") < 12
    await passes(harness, 300)
    assert [len(harness.heard(channel)) for channel in ("D0ANA", "D0BO", "D0MIA")] == [1, 1, 1]


async def test_what_is_new_waits_for_no_break_that_older_news_earned(harness: DeliveryHarness) -> None:
    """After an hour without Slack, who could not be named is asked about every five minutes."""
    harness.directory.down = AWAY
    await harness.takes(harness.commit(environment="development"))
    for _ in range(60):
        await passes(harness, 60)
    harness.directory.down = None
    await harness.takes(harness.commit(app="payments", environment="development", sha="feed"))
    assert "payments" in str(harness.texts("D0ANA"))


async def test_an_author_whom_slack_never_names_keeps_no_subscriber_from_hearing(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe(harness, "U0BO")

    async def refuses(email: str) -> Caller:
        raise Refused("Slack", "users.lookupByEmail", email)

    monkeypatch.setattr(harness.directory, "by_email", refuses)
    await harness.takes(harness.commit())
    assert len(harness.heard("D0BO")) == 1


async def test_while_somebody_is_asked_about_the_messages_of_the_others_stay_as_they_are(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The author is found in each round: that is no change."""
    await subscribe(harness, "U0MIA", "U0BO")
    refuse(harness, monkeypatch, "U0MIA")
    await harness.takes(harness.commit())
    async with harness.database.reading() as connection:
        before = (await connection.execute(sa.select(news.c.version))).scalars().all()
    for _ in range(20):
        await passes(harness, 10)
    async with harness.database.reading() as connection:
        assert (await connection.execute(sa.select(news.c.version))).scalars().all() == before


async def test_what_was_not_written_down_is_said_again(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe(harness, "U0MIA", "U0BO")
    refuse(harness, monkeypatch, "U0MIA")
    with monkeypatch.context() as patch:

        async def away(addressed: object) -> None:
            raise DatabaseAway("address", "away")

        patch.setattr(harness.service._store, "address", away)
        with pytest.raises(DatabaseAway):
            await harness.takes(harness.commit())
    await passes(harness, 5)
    assert (len(harness.heard("C0DEPLOY")), len(harness.heard("D0BO"))) == (1, 1)


async def test_a_subscriber_who_is_slow_to_be_named_holds_up_nobody(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(harness)
    await subscribe(harness, "U0MIA", "U0BO")
    answers, caller = asyncio.Event(), harness.directory.caller

    async def slow(user: str, team: str = "") -> Caller:
        if user == "U0MIA":
            await answers.wait()
        return await caller(user, team)

    monkeypatch.setattr(harness.directory, "caller", slow)
    await harness.takes(harness.commit())
    assert (len(harness.heard("D0BO")), len(harness.heard("D0MIA"))) == (1, 0)
    answers.set()
    await asyncio.sleep(0.01)
    await passes(harness, 40)
    assert (len(harness.heard("D0BO")), len(harness.heard("D0MIA"))) == (1, 1)


async def test_a_journey_that_cannot_be_shown_holds_up_no_other_message(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(harness)
    way = Way(harness)
    await way.goes(way.pushed(), way.started())
    never = asyncio.Event()

    async def hangs(user: str, team: str = "") -> Caller:
        await never.wait()
        raise AssertionError

    monkeypatch.setattr(harness.directory, "caller", hangs)
    await harness.takes(way.ended(), harness.health("ill:1"))
    assert len(harness.heard("C0DEPLOY")) == 1
    await harness.service._showing.close()


async def test_what_breaks_while_it_is_looked_up_takes_no_other_with_it(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_email = harness.directory.by_email

    async def breaks(email: str) -> Caller:
        if email == "odd@example.com":
            raise ValueError(email)
        return await by_email(email)

    monkeypatch.setattr(harness.directory, "by_email", breaks)
    odd = harness.commit(app="odd", environment="development", author=Author("O", "odd@example.com"), sha="0" * 40)
    await harness.takes(odd, harness.commit(environment="development"))
    assert len(harness.heard("D0ANA")) == 1
