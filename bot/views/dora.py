"""DORA's four figures as a table."""

from bot.domain.delivery import Figures
from bot.domain.reply import DoraReport
from bot.ports import Rendered
from bot.views.layout import context, header, rendered, section, sentence
from bot.views.words import DAY_AND_TIME, NOTHING, block_of_code, count, measured, moment, plain, safe

COLUMNS = ("App", "Deploys", "a day", "Lead time", "p90", "Failed", "Restore")
NAME = 24
MOST = 25
"""apps in the table; the sum counts them all"""
TABLE = 2900


def dora_report(reply: DoraReport) -> Rendered:
    where = safe(reply.environment, 80)
    if not reply.parts:
        return sentence(f"No deployment to {where} is on record since {moment(reply.since, DAY_AND_TIME)}.")
    busiest = sorted(reply.parts, key=lambda one: (-len(one.deployments), one.app))
    table = [COLUMNS, *(_row(one) for one in busiest[:MOST])]
    if len(reply.parts) > 1:
        table.append(_row(reply.total))
    title = f"Delivery to {where} since {reply.since:%Y-%m-%d}"
    notes = ["Lead time: from the push of each commit until it is Healthy here; median and 90th percentile."]
    if reply.total.from_pin:
        notes.append(f"{from_pin(reply.total)}.")
    if len(busiest) > MOST:
        notes.append(f"The {MOST} busiest of {len(busiest):,} apps; `all` counts every one.")
    notes.append(_known(reply))
    return rendered(title, [header(title), section(block_of_code(_lines(table), TABLE)), context(" ".join(notes))])


def from_pin(total: Figures) -> str:
    """How many lead times begin later than their commit."""
    begin, every = "begins" if total.from_pin == 1 else "begin", count(len(total.lead_times), "lead time")
    return (
        f"{total.from_pin:,} of {every} {begin} with the first commit that pins the image, because its push is not on "
        "record"
    )


def _row(one: Figures) -> tuple[str, ...]:
    rate = one.failure_rate
    return (
        plain(one.app, NAME),
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
