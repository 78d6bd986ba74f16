"""The chart of `/dora`: what is counted in which period, and what it says to those who do not see it."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.deliveries.dora import together
from bot.domain.chart import Chart, Unit
from bot.domain.delivery import Cause, ChangeFailure, Deployment, Figures, LeadTime, Outcome
from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.domain.reply import DoraPlace, DoraReport
from bot.views.dora_chart import NO_SCOPE, NOT_DRAWN, NOT_TAKEN, dora_chart, no_chart

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def app(name: str, days: float, *ages: float, failed: tuple[float, ...] = ()) -> Figures:
    """Deployed so many days ago, each a day after its push; what failed was well again in 30 minutes."""
    every = tuple(Deployment(name, "production", f"{age}", Cause.PROMOTION, ago(age), "ana", outcome=Outcome.HEALTHY)
                  for age in ages)  # fmt: skip
    leads = tuple(LeadTime(one, one.at - timedelta(days=1), one.at, pushed=True) for one in every)
    failures = tuple(
        ChangeFailure(one, "it failed", one.at, one.at + timedelta(minutes=30))
        for one, age in zip(every, ages, strict=True)
        if age in failed
    )
    return Figures(name, days, every, leads, failures)


def chart(*parts: Figures) -> Chart:
    total = together(parts)
    return dora_chart(DoraReport((DoraPlace("production", parts, total),), ago(parts[0].days), None, total))


@pytest.mark.parametrize(
    ("days", "title", "periods", "first", "last"),
    [
        (0.5, "Deployments per day", 1, "28 Nov", "28 Nov"),
        (14, "Deployments per day", 14, "15 Nov", "28 Nov"),
        (90, "Deployments per week", 13, "30 Aug", "22 Nov"),
        (365, "Deployments per 30 days", 13, "4 Nov", "30 Oct"),
        (3650, "Deployments per 30 days", 122, "21 Nov", "30 Oct"),
    ],
)
def test_periods_are_as_long_as_the_time_allows(days: float, title: str, periods: int, first: str, last: str) -> None:
    found = chart(app("my-app", days, 0.1))
    assert (found.panels[0].title, len(found.periods), found.periods[0], found.periods[-1]) == (
        title, periods, first, last,
    )  # fmt: skip
    assert all(len(series.values) == periods for panel in found.panels for series in panel.series)


def test_each_figure_counts_where_its_deployment_began_and_nothing_is_lost() -> None:
    found = chart(app("my-app", 14, 13.9, 2.5, 2.4, 0.0, failed=(2.4,)), app("payments", 14, 14.0))
    deployments, lead, rate, restore = found.panels
    fine, failed = deployments.series
    assert sum(fine.values[place] or 0 for place in range(14)) == 4
    assert (fine.values[0], fine.values[11], fine.values[13]) == (2, 1, 1)
    assert [place for place, value in enumerate(failed.values) if value] == [11]
    assert rate.series[0].values[11] == pytest.approx(0.5)
    assert rate.series[0].values[5] is None  # nothing was deployed: no rate, rather than a good one
    assert lead.series[0].values[0] == lead.series[1].values[0] == 86400
    assert restore.series[0].values[11] == 1800
    assert [panel.unit for panel in found.panels] == [Unit.COUNT, Unit.DURATION, Unit.SHARE, Unit.DURATION]


def test_what_it_shows_is_said_in_words() -> None:
    found = chart(app("my-app", 14, 2.5, 2.4, failed=(2.4,)))
    assert found.description == (
        "my-app to production, from 15 Nov to today. Deployments per day: 2 deployments, 0.14 a day. "
        "Lead time: median 1 d, 90% within 1 d. Change failure rate: 50%, 1 of 2. Time to restore: median 30 min."
    )
    assert len(chart(*(app("x" * 200, 14, 1.0) for _ in range(3))).description) < 1000


def test_many_apps_are_counted_and_not_named() -> None:
    assert chart(*(app(f"app-{nth}", 14, 1.0) for nth in range(4))).title == "4 apps to production"
    assert chart(app("a", 14, 1.0), app("b", 14, 1.0)).title == "a, b to production"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Refused("Slack", "files.getUploadURLExternal", "missing_scope: needs files:write"), NO_SCOPE),
        (Refused("Slack", "files.completeUploadExternal", "posting_to_general_channel_denied"), NOT_TAKEN),
        (Unavailable("Slack", "files.getUploadURLExternal", "ratelimited"), NOT_TAKEN),
        (Refused("charts", "draw", "ValueError: no"), NOT_DRAWN),
        (Unavailable("charts", "draw", "not done within 60 seconds"), NOT_DRAWN),
    ],
)
def test_why_there_is_no_chart(error: IntegrationError, sentence: str) -> None:
    assert no_chart(error) == sentence
    assert NO_SCOPE.startswith("No chart: the Slack app lacks the scope `files:write`.")
