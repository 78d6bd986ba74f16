"""`pilothouse dora`: the four figures from the delivery record, and the deployments behind them."""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot.cli.record import (
    EnvironmentName,
    PolicyFile,
    Since,
    Url,
    harmless,
    named_environments,
    read_policy,
    reading,
    start_of,
)
from bot.cli.terminal import fail, print_table
from bot.deliveries.branch_observer import OBSERVER
from bot.deliveries.dora import LONGEST, LOOK_BACK, DeploymentRecord, deployed, figures, together
from bot.domain.delivery import Deployment, Figures, LeadTime
from bot.domain.sentence import listed
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.views.dora import failed, from_pin, unseen
from bot.views.words import measured

COLUMNS = (
    "app", "environment", "deployments", "per_day", "lead_time_median_seconds", "lead_time_p90_seconds",
    "change_failure_rate", "time_to_restore_median_seconds", "commits", "failed_commits",
    "lead_times_from_push", "lead_times_from_pin",
)  # fmt: skip
EACH = (
    "app", "environment", "commit", "at", "cause", "outcome", "healthy_at",
    "lead_time_from", "lead_time_since", "lead_time_seconds", "failure", "failed_at", "restored_at",
    "lead_time_commits",
)  # fmt: skip


def dora(
    apps: Annotated[list[str] | None, typer.Argument(help="Which apps; all that were deployed by default.")] = None,
    url: Url = "",
    since: Since = "90d",
    environment: EnvironmentName = "",
    policy: PolicyFile = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with the commits that were counted.")] = False,
    each: Annotated[bool, typer.Option("--deployments", help="Print CSV, with a row for each deployment.")] = False,
) -> None:
    """Print deployment frequency, lead time, change failure rate and time to restore.

    Without --environment: of production and the last environment, each named. Exit status 1 if an app has no deployment
    on record there.
    """
    rules, now = read_policy(policy), datetime.now(UTC)
    where, within = named_environments(environment, rules), rules.deliveries.fixed_within
    start = start_of(since) or now - timedelta(days=90)
    if now - start > LONGEST:
        fail(f"--since {since}: ten years at most.")

    async def work(database: Database) -> tuple[tuple[Figures, ...], datetime | None]:
        record = DeliveryStore(database)
        found = DeploymentRecord.of(await record.of(since=start - LOOK_BACK), within)
        known = await record.known_since(OBSERVER)
        parts = [part for one in where for part in _figures(found, one, start, now, apps or (), known)]
        return tuple(parts), known

    parts, known = reading(url, work)
    seen = {one.app for one in parts if one.deployments}
    nothing = f"to {listed(where, 'or')} is on record since {start:%Y-%m-%d}."
    if unknown := [app for app in apps or () if app not in seen]:
        fail(f"No deployment of {listed(unknown, 'or')} {nothing}")
    if not seen:
        fail(f"No deployment {nothing}")
    if each:
        _write(EACH, _each(parts))
        return
    if as_csv:
        _write(COLUMNS, _sums(parts))
        return
    if known is None or known > start:
        print(f"The record begins {known:%Y-%m-%d %H:%M} UTC." if known else "The record is empty.")
    for one in where:
        _print_place(one, [part for part in parts if part.environment == one], start)
    print(failed(within))
    if hidden := unseen(together(parts)):
        print(hidden)


def _figures(
    found: DeploymentRecord,
    where: str,
    start: datetime,
    now: datetime,
    apps: Sequence[str],
    known: datetime | None,
) -> tuple[Figures, ...]:
    wanted = tuple(apps or deployed(found, where, start))
    return figures(found, where, start, now, wanted, known) if wanted else ()


def _print_place(where: str, parts: list[Figures], start: datetime) -> None:
    """A table under the environment's name, or that there is none."""
    if not any(part.deployments for part in parts):
        print(f"No deployment to {where} is on record since {start:%Y-%m-%d}.")
        return
    total = together(parts)
    print_table(_table(where, [*parts, total] if len(parts) > 1 else parts))
    if total.from_pin:
        print(f"{from_pin(total)}.")


def _write(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)


def _sums(parts: Iterable[Figures]) -> Iterator[Iterable[object]]:
    for one in parts:
        yield (
            one.app,
            one.environment,
            len(one.deployments),
            round(one.a_day, 4),
            _seconds(one.lead_time),
            _seconds(one.lead_time_p90),
            "" if one.failure_rate is None else round(one.failure_rate, 4),
            _seconds(one.time_to_restore),
            " ".join(deployment.sha for deployment in one.deployments),
            " ".join(failure.deployment.sha for failure in one.failures),
            len(one.lead_times) - one.from_pin,
            one.from_pin,
        )


def _each(parts: Iterable[Figures]) -> Iterator[Iterable[object]]:
    """What each figure was counted from, oldest first within an app."""
    for part in parts:
        leads: dict[Deployment, list[LeadTime]] = defaultdict(list)
        for lead in part.leads:
            leads[lead.deployment].append(lead)
        failures = {failure.deployment: failure for failure in part.failures}
        for one in part.deployments:
            its, failure = leads[one], failures.get(one)
            yield (
                *(one.app, one.environment, one.sha, _iso(one.at), one.cause, one.outcome, _iso(one.healthy_at)),
                *(_way(its) if its else ("",) * 3),
                *((failure.reason, _iso(failure.at), _iso(failure.restored_at)) if failure else ("",) * 3),
                " ".join(f"{lead.revision}:{_seconds(lead.lasted)}:{lead.commits}" for lead in its if lead.pushed),
            )


def _way(leads: list[LeadTime]) -> tuple[str, str, str]:
    """Of the newest of what a deployment brings: what its lead time begins with, when that was, and the time."""
    newest = max(leads, key=lambda lead: lead.since)
    return "push" if newest.pushed else "pin", _iso(newest.since), _seconds(newest.lasted)


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def _table(where: str, parts: list[Figures]) -> Table:
    columns = ("App", "Deployments", "A day", "Lead time", "p90", "Failed", "Time to restore")
    table = Table(*columns, title=escape(where), title_justify="left")
    for one in parts:
        rate = "—" if one.failure_rate is None else f"{one.failure_rate:.0%}"
        times = (measured(time) for time in (one.lead_time, one.lead_time_p90))
        table.add_row(
            one.app, str(len(one.deployments)), f"{one.a_day:.2f}", *times, rate, measured(one.time_to_restore)
        )
    return table


def _seconds(time: timedelta | None) -> str:
    return "" if time is None else str(round(time.total_seconds()))
