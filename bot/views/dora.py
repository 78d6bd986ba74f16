"""DORA's four figures as a table."""

from collections.abc import Iterator
from datetime import timedelta

from slack_sdk.models.blocks import Block

from bot.domain.delivery import ChangeFailure, Figures
from bot.domain.duration import in_words
from bot.domain.reply import DoraPlace, DoraReport
from bot.ports import Rendered
from bot.views import words
from bot.views.layout import context, header, rendered, rows, section, sentence
from bot.views.words import DAY_AND_TIME, NOTHING, block_of_code, bold, count, link, measured, moment, plain, safe

COLUMNS = ("App", "Deploys", "a day", "Lead time", "p90", "Failed", "Restore")
NAME = 24
MOST, FEWEST = 25, 3
"""apps in the tables of all environments together, and in the one of each; the sum counts them all"""
MOST_FAILED = 5
"""failed changes that are named, the newest"""
PLACES = 8
"""environments that the title names"""
TABLE = 2900


def dora_report(reply: DoraReport) -> Rendered:
    since = moment(reply.since, DAY_AND_TIME)
    where = words.named(reply.environments, last="or", most=PLACES)
    known = [place for place in reply.places if place.parts]
    if not known:
        said = f"No deployment to {where} is on record since {since}."
        return sentence(" ".join(filter(None, (said, _known(reply)))))
    title = f"Delivery to {words.named(reply.environments, most=PLACES)} since {reply.since:%Y-%m-%d}"
    most = max(FEWEST, MOST // len(known))
    tables = [] if len(reply.places) == 1 else [_summary(reply)]
    if len(reply.places) == 1 or len(reply.apps) > 1:
        tables += [_table(place, most, named=len(reply.places) > 1) for place in known]
    if reply.total.failures:
        tables.append(_failures(reply))
    return rendered(title, [header(title), *rows(tables, spare_blocks=3), context(*_notes(reply, most))])


def _summary(reply: DoraReport) -> Block:
    """Of several environments, a row for each, those without a deployment too."""
    lines = [("Environment", *COLUMNS[1:]), *(_row(place.environment, place.total) for place in reply.places)]
    return section(block_of_code(_lines([*lines, _row("all", reply.total)]), TABLE))


def _table(place: DoraPlace, most: int, *, named: bool) -> Block:
    """Of one environment, a row for each app."""
    lines = [COLUMNS, *(_row(one.app, one) for one in _busiest(place)[:most])]
    if len(place.parts) > 1:
        lines.append(_row("all", place.total))
    above = [bold(place.environment, 80)] if named else []
    return section(*above, block_of_code(_lines(lines), TABLE))


def _failures(reply: DoraReport) -> Block:
    """The newest failed changes, so that the rate can be traced."""
    newest = sorted(reply.total.failures, key=lambda one: one.deployment.at, reverse=True)
    left = len(newest) - MOST_FAILED
    lines = [_failure(one, named=len(reply.places) > 1) for one in newest[:MOST_FAILED]]
    return section("Failed, the newest first:", *lines, *([f"… and {left:,} more"] if left > 0 else []))


def _failure(one: ChangeFailure, *, named: bool) -> str:
    change, by = one.deployment, one.by
    where = f" in {safe(change.environment, 60)}" if named else ""
    after = f" by {link(by.url, by.sha[:7], 40)}" if by else ""
    took = f", well again after {in_words(one.lasted)}" if one.lasted is not None else ""
    what = f"{safe(change.app, 60)} {link(change.url, change.sha[:7], 40)}{where}"
    return f"• {what} {moment(change.at, DAY_AND_TIME)}: {safe(one.why, 120)}{after}{took}"


def _busiest(place: DoraPlace) -> list[Figures]:
    return sorted(place.parts, key=lambda one: (-len(one.deployments), one.app))


def _notes(reply: DoraReport, most: int) -> Iterator[str]:
    first = ["Lead time: from the push of each commit until it is Healthy here; median and 90th percentile."]
    first.append(failed(reply.fixed_within))
    if hidden := unseen(reply.total):
        first.append(hidden)
    if reply.total.from_pin:
        first.append(f"{from_pin(reply.total)}.")
    if (apps := max(len(place.parts) for place in reply.places)) > most:
        first.append(f"The {most} busiest of {apps:,} apps; `all` counts every one.")
    if len(reply.places) > 1:
        first.append("What reaches several environments counts in each.")
    yield " ".join(filter(None, (*first, _known(reply))))


def failed(within: timedelta) -> str:
    """What counts as a failed change; `within`: what is fixed by then."""
    return (
        "Failed: it failed here, turned Degraded within an hour, was undone within a day, or reverted or fixed within "
        f"{in_words(within)} by a commit that says so (This reverts commit …, Fixes: …). A change of settings alone "
        "is not counted as a deployment, but can be what reverts or fixes one."
    )


def unseen(total: Figures) -> str:
    """What the rate cannot see; "" where it sees everything."""
    every, hidden = len(total.deployments), total.unseen
    if not hidden:
        return ""
    if hidden == every:
        return "Which source commits were deployed is not known, so fixes in the source are not counted."
    return f"Fixes in the source are not counted for {hidden:,} of {every:,} deployments: their commits are not known."


def from_pin(total: Figures) -> str:
    """How many lead times begin later than their commit."""
    begin, every = "begins" if total.from_pin == 1 else "begin", count(len(total.lead_times), "lead time")
    return (
        f"{total.from_pin:,} of {every} {begin} with the first commit that pins the image, because its push is not on "
        "record"
    )


def _row(name: str, one: Figures) -> tuple[str, ...]:
    rate = one.failure_rate
    return (
        plain(name, NAME),
        f"{len(one.deployments):,}",
        f"{one.a_day:.2f}",
        measured(one.lead_time),
        measured(one.lead_time_p90),
        NOTHING if rate is None else f"{rate:.0%}",
        measured(one.time_to_restore),
    )


def _lines(table: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in table
    ]


def _known(reply: DoraReport) -> str:
    if reply.known_since is None:
        return "The overlay repository has not been read yet."
    if reply.known_since > reply.since:
        return f"The record begins {moment(reply.known_since, DAY_AND_TIME)}: before that nothing is counted."
    return ""
