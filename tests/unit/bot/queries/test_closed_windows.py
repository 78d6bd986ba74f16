"""Which environments the policy's windows keep closed: the same answer as the gate gives, without a promotion."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.safety import ClosedWindow
from bot.policy import parse
from bot.queries.closed_windows import ClosedWindows
from tests.fakes.clock import StillClock

NIGHT = datetime(2026, 12, 24, 22, tzinfo=UTC)
NIGHTS = '{cron: "0 18 * * *", duration: 14h, reason: "nobody is here at night"}'
OFFICE_HOURS = '{kind: allow, cron: "0 9 * * 1-5", duration: 8h}'


def windows(production: str, apps: str = "", at: datetime = NIGHT) -> ClosedWindows:
    text = f"environments: [{{name: staging}}, {{name: production, gates: {{freeze: {production}}}}}]\n{apps}"
    return ClosedWindows(parse(text), StillClock(at))


async def test_a_window_that_denies_says_why_and_when_it_opens() -> None:
    found = await windows(f"{{windows: [{NIGHTS}]}}").now()
    assert found == (ClosedWindow("production", "nobody is here at night", datetime(2026, 12, 25, 8, tzinfo=UTC)),)
    assert await windows(f"{{windows: [{NIGHTS}]}}", at=NIGHT - timedelta(hours=8)).now() == ()


async def test_outside_the_windows_that_allow_it_is_closed_too() -> None:
    (found,) = await windows(f"{{windows: [{OFFICE_HOURS}]}}").now()
    assert (found.denied, found.reason, found.opens) == (False, "", datetime(2026, 12, 25, 9, tzinfo=UTC))


async def test_no_opening_in_sight_is_said_and_no_date_is_made_up() -> None:
    (found,) = await windows('{windows: [{cron: "0 * * * *", duration: 1h}]}').now()
    assert found.opens is None


@pytest.mark.parametrize("options", ["false", "{}", "{windows: []}"])
async def test_without_windows_nothing_is_closed(options: str) -> None:
    assert await windows(options).now() == ()


@pytest.mark.parametrize(
    ("apps", "closed"),
    [
        ("", {"ledger": "production", "my-app": "production"}),
        ("apps: {ledger: {environments: {production: {gates: {freeze: false}}}}}", {"my-app": "production"}),
        ("apps: {ledger: {environments: {production: {gates: {freeze: {windows: []}}}}}}", {"my-app": "production"}),
        (
            "apps: {ledger: {environments: {production: {gates: {freeze: {exempt_apps: [ledger]}}}}}}",
            {"my-app": "production"},
        ),
        (
            'apps: {ledger: {environments: {production: {gates: {freeze: {windows: [{cron: "0 0 * * *", duration: 24h, '
            'reason: "its own"}]}}}}}}',
            {"ledger": "its own", "my-app": "production"},
        ),
    ],
)
async def test_an_apps_own_rules_come_before_those_of_the_environment(apps: str, closed: dict[str, str]) -> None:
    clock = windows(f"{{windows: [{NIGHTS}]}}", apps)
    found = {app: await clock.of(app, "production") for app in ("ledger", "my-app")}
    shown = {app: one.reason if one.app else one.environment for app, one in found.items() if one}
    assert shown == closed
    assert await clock.of("my-app", "staging") is None


async def test_the_exempt_are_named() -> None:
    (found,) = await windows(f"{{windows: [{NIGHTS}], exempt_apps: [ledger], exempt_roles: [admin]}}").now()
    assert (found.exempt_apps, found.exempt_roles) == (("ledger",), ("admin",))
    assert found.covers("my-app", "production")
    assert not found.covers("ledger", "production")


async def test_an_opening_is_looked_for_again_once_it_has_come() -> None:
    clock = StillClock(NIGHT)
    found = ClosedWindows(
        parse(f"environments: [{{name: production, gates: {{freeze: {{windows: [{NIGHTS}]}}}}}}]"), clock
    )
    openings = []
    for hours in (0, 2, 22, 24):
        clock.at = NIGHT + timedelta(hours=hours)
        openings += [one.opens for one in await found.now()]
    first, second = datetime(2026, 12, 25, 8, tzinfo=UTC), datetime(2026, 12, 26, 8, tzinfo=UTC)
    assert openings == [first, first, second, second]
