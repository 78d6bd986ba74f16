"""`/dora`: a table for one environment; for several, a row for each and a table for each."""

from datetime import UTC, datetime, timedelta

from bot.deliveries.dora import together
from bot.domain.delivery import Cause, Deployment, Figures
from bot.domain.reply import DoraPlace, DoraReport
from bot.views import render
from tests.views.reading import lines

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def place(environment: str, *apps: str) -> DoraPlace:
    change = Deployment("x", environment, "c0ffee", Cause.GIT, NOW, "Ben")
    parts = tuple(Figures(app, 10, (change,), environment=environment) for app in apps)
    return DoraPlace(environment, parts, together(parts))


def shown(*places: DoraPlace) -> list[str]:
    total = together([part for one in places for part in one.parts])
    return lines(render(DoraReport(places, NOW - timedelta(days=10), NOW - timedelta(days=20), total)))


LEAD = (
    "Lead time: from the push of each commit until it is Healthy here; median and 90th percentile. Failed: it failed "
    "here, turned Degraded within an hour, or was undone within a day. Fixes forward are not recognised."
)


def test_of_one_environment() -> None:
    found = shown(place("production", "ledger", "my-app"))
    assert found[0] == "# Delivery to production since 2026-11-19"
    assert [line.split()[0] for line in found if "0." in line] == ["ledger", "my-app", "all"]
    assert found[-1] == f"({LEAD})"


def test_of_several_environments_each_is_named_the_empty_one_too() -> None:
    found = shown(place("prod-eu", "ledger", "my-app"), place("prod-us"), place("production", "my-app"))
    assert found[0] == "# Delivery to prod-eu, prod-us and production since 2026-11-19"
    rows = [line.split()[:2] for line in found if "0." in line]
    assert rows == [
        ["prod-eu", "2"], ["prod-us", "0"], ["production", "1"], ["all", "3"],
        ["ledger", "1"], ["my-app", "1"], ["all", "2"],
        ["my-app", "1"],
    ]  # fmt: skip
    assert [line for line in found if line in ("*prod-eu*", "*prod-us*", "*production*")] == [
        "*prod-eu*",
        "*production*",
    ]
    assert found[-1] == f"({LEAD} What reaches several environments counts in each.)"


def test_of_one_app_the_rows_of_the_environments_are_enough() -> None:
    found = shown(place("prod-eu", "my-app"), place("production", "my-app"))
    assert [line.split()[0] for line in found if "0." in line] == ["prod-eu", "production", "all"]


def test_where_nothing_was_deployed_every_environment_is_named() -> None:
    (found,) = shown(place("prod-eu"), place("production"))
    assert found.startswith("No deployment to prod-eu or production is on record since ")


def test_fifty_apps_in_eight_environments_fit_in_one_message() -> None:
    apps = [f"app-{number}" for number in range(50)]
    message = render(DoraReport(tuple(place(f"prod-{n}", *apps) for n in range(8)), NOW, None, place("x", *apps).total))
    assert len(message.blocks) <= 50
    assert sum(len(str(block)) for block in message.blocks) < 10_000
    assert "more" not in str(message.blocks[-2])
