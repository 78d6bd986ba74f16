"""DORA's four figures over time, as a chart."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.chart import Chart, ChartPanel, Series, Unit
from bot.domain.delivery import ChangeFailure, LeadTime, middle, percentile
from bot.domain.duration import lasted
from bot.domain.errors import IntegrationError
from bot.domain.reply import DoraReport
from bot.views.words import NOTHING, count, measured, named, plain

CHART_FOLLOWS = "The chart follows in your direct messages."
NO_LIBRARY = (
    "No chart: the bot is installed without its plotting library. An administrator installs Pilothouse with the "
    "extra `charts`."
)
NO_SCOPE = (
    "No chart: the Slack app lacks the scope `files:write`. An administrator adds it to the app, and installs the app "
    "again."
)
NOT_TAKEN = "No chart this time: Slack did not take the file. The figures above are complete."
NOT_DRAWN = "No chart this time: it could not be drawn. The figures above are complete, and the bot's log says why."

DAYS, WEEKS = 21, 200
"""the longest times, in days, that are shown by the day and by the week"""
MONTH = 30
NAME, TITLE = 40, 90
"""characters"""
NAMED = 3
"""apps in the title, and environments"""


def dora_chart(report: DoraReport) -> Chart:
    """Of all apps and environments of the report together: each figure for each day, week or 30 days, up to now."""
    step, word = _step(report.total.days)
    starts = _starts(report.since, report.since + timedelta(days=report.total.days), step)
    labels = tuple(f"{start.day} {start:%b}" for start in starts)
    panels = _panels(report, _Buckets(starts, step), word)
    title = f"{plain(_apps(report), TITLE)} to {plain(named(report.environments, most=NAMED), NAME * NAMED)}"
    figures = " ".join(f"{panel.title}: {panel.headline}." for panel in panels)
    return Chart(title, labels, panels, f"{title}, from {labels[0]} to today. {figures}")


def no_chart(error: IntegrationError) -> str:
    """Why there is none, to the asker."""
    if "missing_scope" in error.detail:
        return NO_SCOPE
    return NOT_TAKEN if error.system == "Slack" else NOT_DRAWN


class _Buckets:
    def __init__(self, starts: Sequence[datetime], step: timedelta) -> None:
        self._starts = starts
        self._step = step

    def count(self, times: Iterable[datetime]) -> tuple[float, ...]:
        counts = [0.0] * len(self._starts)
        for at in times:
            counts[self._of(at)] += 1
        return tuple(counts)

    def times(
        self, measured: Iterable[tuple[datetime, timedelta]], of: Callable[[list[timedelta]], timedelta | None]
    ) -> tuple[float | None, ...]:
        """In seconds."""
        kept: list[list[timedelta]] = [[] for _ in self._starts]
        for at, time in measured:
            kept[self._of(at)].append(time)
        found = [of(times) for times in kept]
        return tuple(None if time is None else time.total_seconds() for time in found)

    def _of(self, at: datetime) -> int:
        return min(max(0, (at - self._starts[0]) // self._step), len(self._starts) - 1)


def _panels(report: DoraReport, buckets: _Buckets, word: str) -> tuple[ChartPanel, ...]:
    """Each figure counts in the period in which its deployment began."""
    total = report.total
    every = buckets.count(one.at for one in total.deployments)
    failed = buckets.count(one.deployment.at for one in total.failures)
    well = tuple(one - two for one, two in zip(every, failed, strict=True))
    rates = tuple(two / one if one else None for one, two in zip(every, failed, strict=True))
    leads = [(lead.deployment.at, lasted) for lead in total.leads for lasted in lead.each]
    restored = [(one.deployment.at, one.lasted) for one in total.failures if one.lasted is not None]
    rate = total.failure_rate
    return (
        ChartPanel(
            f"Deployments per {word}",
            f"{count(len(total.deployments), 'deployment')}, {total.a_day:.2f} a day",
            Unit.COUNT,
            (Series("fine", well), Series("failed", failed, alarming=True)),
            stacked=True,
        ),
        ChartPanel(
            "Lead time",
            _headline(total.lead_time, total.leads, f", 90% within {measured(total.lead_time_p90)}"),
            Unit.DURATION,
            (
                Series("median", buckets.times(leads, middle)),
                Series("90th percentile", buckets.times(leads, lambda times: percentile(times, 90))),
            ),
        ),
        ChartPanel(
            "Change failure rate",
            NOTHING if rate is None else f"{rate:.0%}, {len(total.failures)} of {len(total.deployments)}",
            Unit.SHARE,
            (Series("failed", rates, alarming=True),),
            stacked=True,
        ),
        ChartPanel(
            "Time to restore",
            _headline(total.time_to_restore, total.failures, ""),
            Unit.DURATION,
            (Series("median", buckets.times(restored, middle), alarming=True),),
        ),
    )


def _headline(time: timedelta | None, of: Sequence[LeadTime | ChangeFailure], rest: str) -> str:
    if time is None:
        return "nothing to measure" if not of else "not restored yet"
    return f"median {lasted(time)}{rest}"


def _step(days: float) -> tuple[timedelta, str]:
    if days <= DAYS:
        return timedelta(days=1), "day"
    if days <= WEEKS:
        return timedelta(days=7), "week"
    return timedelta(days=MONTH), f"{MONTH} days"


def _starts(since: datetime, until: datetime, step: timedelta) -> tuple[datetime, ...]:
    """Whole periods that end now; the first one may begin before `since`, and holds what there is of it."""
    whole = max(1, -((since - until) // step))
    return tuple(until - step * left for left in range(whole, 0, -1))


def _apps(report: DoraReport) -> str:
    names = report.apps
    return ", ".join(names) if len(names) <= NAMED else count(len(names), "app")
