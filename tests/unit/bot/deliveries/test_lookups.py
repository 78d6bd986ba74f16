"""Who hears of news is asked of Slack, which may be slow or away: nothing is lost by that, and nobody waits for it."""

import asyncio

import pytest

from bot.deliveries.news_service import ASKED_SECONDS
from bot.domain.caller import Caller
from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.domain.overlay import Author
from bot.domain.promotion import Progress
from bot.domain.subscription import Scope, Subscription
from tests.unit.bot.deliveries.desk import Desk
from tests.unit.bot.deliveries.test_journeys import Way

AWAY = Unavailable("Slack", "users.lookupByEmail", "ratelimited")
FAILURES = [AWAY, Refused("Slack", "users.lookupByEmail", "missing_scope")]


def impatient(desk: Desk) -> None:
    """For what never answers."""
    desk.patience = 0.5
    desk.restart()


async def passes(desk: Desk, seconds: float) -> None:
    desk.now += seconds
    await desk.tell()


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("restarts", [False, True])
async def test_an_author_whom_slack_could_not_name_hears_of_it_when_it_can(
    desk: Desk, failure: IntegrationError, *, restarts: bool
) -> None:
    desk.directory.down = failure
    await desk.takes(desk.commit(environment="development"))
    await passes(desk, 60)
    assert desk.heard("D0ANA") == []
    desk.directory.down = None
    if restarts:
        desk.restart()
    await passes(desk, 300)
    assert len(desk.heard("D0ANA")) == 1
    await desk.takes(desk.verdict(Progress.HEALTHY, environment="development"))
    assert len(desk.heard("D0ANA")) == 1


@pytest.mark.parametrize("failure", FAILURES)
async def test_the_journey_of_an_author_whom_slack_could_not_name_is_not_lost(
    desk: Desk, failure: IntegrationError
) -> None:
    way = Way(desk)
    desk.directory.down = failure
    await way.goes(way.pushed(), way.started())
    desk.directory.down = None
    await passes(desk, 300)
    assert len(desk.heard("D0ANA")) == 1


async def test_a_channel_hears_at_once_and_its_message_names_the_author_later(desk: Desk) -> None:
    desk.directory.down = AWAY
    await desk.takes(desk.commit())
    assert "<@U0ANA>" not in desk.texts("C0DEPLOY")[0]
    desk.directory.down = None
    await passes(desk, 300)
    [message] = desk.texts("C0DEPLOY")
    assert "<@U0ANA>" in message


async def test_a_channel_hears_at_once_though_a_subscriber_cannot_be_looked_up(desk: Desk) -> None:
    await desk.subscriptions.subscribe([Subscription("U0BO", Scope("my-app", "production", "degraded"), "U0BO")])
    desk.directory.down = AWAY
    await desk.takes(desk.health("ill:1"))
    assert (len(desk.heard("C0DEPLOY")), len(desk.heard("D0BO"))) == (1, 0)
    desk.directory.down = None
    await passes(desk, 300)
    assert (len(desk.heard("C0DEPLOY")), len(desk.heard("D0BO"))) == (1, 1)


async def test_slack_is_not_asked_for_ever_nor_without_a_break(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def fails(email: str) -> Caller:
        asked.append(email)
        raise AWAY

    monkeypatch.setattr(desk.directory, "by_email", fails)
    await desk.takes(desk.commit(environment="development"))
    for _ in range(60):
        await passes(desk, 10)
    assert 4 < len(asked) < 12
    await passes(desk, ASKED_SECONDS)
    asked.clear()
    await passes(desk, 600)
    assert asked == []


async def test_a_slow_look_up_holds_up_nobody_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(desk)
    answers, by_email = asyncio.Event(), desk.directory.by_email

    async def slow(email: str) -> Caller:
        await answers.wait()
        return await by_email(email)

    monkeypatch.setattr(desk.directory, "by_email", slow)
    commits = [
        desk.commit(app=f"a{n}", environment="development", author=Author("X", f"x{n}@example.com"), sha=f"{n:040x}")
        for n in range(40)
    ]
    await desk.takes(*commits, desk.commit(environment="development"), desk.health("ill:1"))
    assert len(desk.heard("C0DEPLOY")) == 1
    assert desk.heard("D0ANA") == []
    answers.set()
    for _ in range(20):
        await asyncio.sleep(0)
    await desk.tell()
    assert len(desk.heard("D0ANA")) == 1


async def test_look_ups_go_side_by_side(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for another one to have begun."""
    begun, by_email = 0, desk.directory.by_email
    together = asyncio.Event()

    async def counted(email: str) -> Caller:
        nonlocal begun
        begun += 1
        if begun == 10:
            together.set()
        await together.wait()
        return await by_email(email)

    monkeypatch.setattr(desk.directory, "by_email", counted)
    await desk.takes(*(desk.commit(app=f"a{n}", environment="development", sha=f"{n:040x}") for n in range(10)))
    assert "a9" in str(desk.texts("D0ANA"))


async def test_a_journey_that_cannot_be_shown_holds_up_no_other_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(desk)
    way = Way(desk)
    await way.goes(way.pushed(), way.started())
    never = asyncio.Event()

    async def hangs(user: str, team: str = "") -> Caller:
        await never.wait()
        raise AssertionError

    monkeypatch.setattr(desk.directory, "caller", hangs)
    await desk.takes(way.ended(), desk.health("ill:1"))
    assert len(desk.heard("C0DEPLOY")) == 1
    await desk.service._showing.close()


async def test_what_breaks_while_it_is_looked_up_takes_no_other_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_email = desk.directory.by_email

    async def breaks(email: str) -> Caller:
        if email == "odd@example.com":
            raise ValueError(email)
        return await by_email(email)

    monkeypatch.setattr(desk.directory, "by_email", breaks)
    odd = desk.commit(app="odd", environment="development", author=Author("O", "odd@example.com"), sha="0" * 40)
    await desk.takes(odd, desk.commit(environment="development"))
    assert len(desk.heard("D0ANA")) == 1
