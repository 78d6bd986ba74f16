"""Freezes, called and ended."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.errors import InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context
from bot.domain.reply import FreezeCalled, Holds, StatusOverview, Told
from bot.domain.safety import Freeze
from bot.policy import parse
from bot.safety.times import TimeReader
from bot.views import render
from tests.fakes.clock import StillClock
from tests.fakes.command_harness import POLICY, CommandHarness
from tests.sentences import says

NIGHT = datetime(2026, 10, 6, 3, tzinfo=UTC)
"""still the fifth in New York"""


async def say(harness: CommandHarness, number: int, line: str, user: str = "U0BO") -> object:
    asked = await harness.read(line, Context(f"r{number}", "C0DEPLOY", "c", "T0PILOT"))
    return await harness.run(asked, user)


async def called(harness: CommandHarness, line: str) -> Freeze:
    reply = await say(harness, 1, line)
    assert isinstance(reply, FreezeCalled)
    return reply.freeze


async def test_a_freeze_holds_until_its_time_and_is_announced(harness: CommandHarness) -> None:
    freeze = await called(harness, "/freeze prod until mon 08:00 INC-123")
    assert (freeze.app, freeze.environment, freeze.reason, freeze.by.id) == ("", "production", "INC-123", "U0BO")
    assert timedelta() < freeze.until - datetime.now(UTC) <= timedelta(days=7)
    assert (freeze.until.weekday(), freeze.until.hour) == (0, 8)
    assert await harness.safety.stores.freezes.active("my-app", "production") == freeze
    assert await harness.safety.stores.freezes.active("my-app", "staging") is None
    (told,) = await harness.safety.told("C0DEPLOY")
    assert told.startswith("❄️ All of *production* is frozen by <@U0BO> until ")
    assert await harness.safety.events() == ["frozen"]
    shown = await say(harness, 2, "/locks")
    assert isinstance(shown, Holds)
    assert shown.freezes == (freeze,)


async def test_times_are_on_the_wall_clock_of_who_types_them() -> None:
    harness = CommandHarness(policy=parse(POLICY + "timezone: America/New_York\n"))
    bo, times = await harness.caller("U0BO"), TimeReader(harness.policy, StillClock(NIGHT))
    there = datetime(2026, 10, 6, 9, tzinfo=ZoneInfo("America/New_York"))
    assert times.read("tomorrow 9am", bo) == there
    object.__setattr__(bo, "timezone", "Asia/Tokyo")
    assert times.read("2026-10-07 09:00", bo).hour == 0
    object.__setattr__(bo, "timezone", "Mars/Olympus")
    assert times.read("tomorrow 9am", bo) == there


async def test_apps_can_be_left_out_and_one_app_can_be_meant(harness: CommandHarness) -> None:
    freeze = await called(harness, "/freeze prod --except payments,ledger for 2h INC-1")
    assert freeze.exempt_apps == ("payments", "ledger")
    (row,) = await harness.safety.stores.audit.rows()
    assert json.loads(row.detail)["exempt_apps"] == ["payments", "ledger"]
    assert await harness.safety.stores.freezes.active("payments", "production") is None
    assert await harness.safety.stores.freezes.active("my-app", "production") == freeze
    with pytest.raises(UnknownName, match="Did you mean `payments`"):
        await say(harness, 2, "/freeze prod --except paymnts for 2h INC-1")
    own = await called(harness, "/freeze my-app staging 1h: slow disk")
    assert (own.app, own.environment, own.reason) == ("my-app", "staging", "slow disk")


async def test_the_freeze_that_lasts_longest_counts(harness: CommandHarness) -> None:
    await say(harness, 1, "/freeze prod for 1h short")
    await say(harness, 2, "/freeze prod for 3h long")
    await say(harness, 3, "/freeze prod for 2h middle")
    active = await harness.safety.stores.freezes.active("my-app", "production")
    assert active
    assert active.reason == "long"


async def test_a_freeze_ends_for_everybody(harness: CommandHarness) -> None:
    await called(harness, "/freeze prod for 2h INC-1")
    assert await say(harness, 2, "/unfreeze prod") == Told("The freeze of production is over.")
    assert await harness.safety.stores.freezes.active("my-app", "production") is None
    _, over = await harness.safety.told("C0DEPLOY")
    assert says(over, "<@U0BO>", "ended the freeze", "*production*")
    assert isinstance(await say(harness, 3, "/unfreeze prod"), Told)
    assert await harness.safety.events() == ["frozen", "unfrozen"]


async def test_a_place_that_was_frozen_twice_opens_once(harness: CommandHarness) -> None:
    await say(harness, 1, "/freeze prod for 3h long")
    await say(harness, 2, "/freeze prod for 5h INC-2")
    await say(harness, 3, "/unfreeze prod")
    told = await harness.safety.told("C0DEPLOY")
    assert sum("ended the freeze" in one for one in told) == 1
    assert await harness.safety.events() == ["frozen", "frozen", "unfrozen", "unfrozen"]


async def test_a_shorter_freeze_does_not_sound_like_the_end_of_a_longer_one(harness: CommandHarness) -> None:
    longer = await called(harness, "/freeze prod for 3h long")
    shorter = await say(harness, 2, "/freeze prod for 1h short", "U0MIA")
    assert isinstance(shorter, FreezeCalled)
    assert shorter.longer == longer
    own = await say(harness, 3, "/freeze my-app prod for 1h: its own")
    assert isinstance(own, FreezeCalled)
    assert own.longer == longer
    _, *told = await harness.safety.told("C0DEPLOY")
    assert all(says(one, "stays frozen until", "<@U0BO>") for one in told)
    last = await say(harness, 4, "/freeze prod for 4h longest")
    assert isinstance(last, FreezeCalled)
    assert last.longer is None


@pytest.mark.parametrize(
    ("line", "says"),
    [("/freeze prod", "Say until when"), ("/freeze my-app until fri", "Name an environment"),
     ("/freeze prod until 2020-01-01 too late", "is in the past"),
     ("/freeze prod until yesterday", "`yesterday` is in the past: give a time that is still to come")],
)  # fmt: skip
async def test_what_is_missing_is_asked_for(harness: CommandHarness, line: str, says: str) -> None:
    with pytest.raises(InvalidCommand, match=says):
        await say(harness, 1, line)


async def test_engineers_do_not_freeze(harness: CommandHarness) -> None:
    for number, line in enumerate(("/freeze prod for 2h no", "/unfreeze prod")):
        with pytest.raises(NotAllowed, match="`freeze` permission for every app in production"):
            await say(harness, number, line, "U0ANA")
    assert await harness.safety.events() == ["refused", "refused"]


CLOSED = """
environments:
  - {name: development}
  - {name: staging}
  - name: production
    gates: {freeze: {windows: [{cron: "0 * * * *", duration: 1h, reason: year end}], exempt_apps: [payments]}}
"""


@pytest.fixture
async def closed_office(tmp_path: Path) -> AsyncIterator[CommandHarness]:
    harness = CommandHarness(policy=parse(CLOSED + POLICY), database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    yield harness
    await harness.safety.database.close()


async def test_a_window_of_the_policy_that_is_closed_now_is_held_wherever_people_look(
    closed_office: CommandHarness,
) -> None:
    """Nobody has called it, so nobody is named; but promotions are refused, so it must not look open."""
    holds = await say(closed_office, 1, "/locks")
    assert isinstance(holds, Holds)
    assert [(one.environment, one.reason, one.exempt_apps) for one in holds.closed] == [
        ("production", "year end", ("payments",))
    ]
    overview = await say(closed_office, 2, "/status")
    assert isinstance(overview, StatusOverview)
    assert {(row.app, row.environment) for row in overview.rows if row.closed} == {
        ("ledger", "production"), ("my-app", "production"),
    }  # fmt: skip
    assert "year end" in str(render(overview).blocks)


async def test_an_exempt_app_is_named_to_those_alone_who_may_view_it(closed_office: CommandHarness) -> None:
    holds = await say(closed_office, 1, "/locks", "U0CY")
    assert isinstance(holds, Holds)
    assert [one.exempt_apps for one in holds.closed] == [()]
    await say(closed_office, 2, "/freeze staging --except payments,my-app for 2h INC-1")
    called = await say(closed_office, 3, "/locks", "U0CY")
    assert isinstance(called, Holds)
    assert [one.exempt_apps for one in called.freezes] == [("my-app",)]


async def test_the_end_of_a_freeze_does_not_hide_that_policy_keeps_it_closed(closed_office: CommandHarness) -> None:
    await called(closed_office, "/freeze prod for 2h INC-1")
    reply = await say(closed_office, 2, "/unfreeze prod")
    assert isinstance(reply, Told)
    assert says(reply.sentence, "is over", "Policy keeps production closed", "/locks")
    nothing = await say(closed_office, 3, "/unfreeze staging")
    assert isinstance(nothing, Told)
    assert "Policy keeps" not in nothing.sentence
