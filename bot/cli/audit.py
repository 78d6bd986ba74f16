"""`pilothouse audit`: does the chain hold, what happened, and what changed without a second pair of eyes?"""

import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO, TypeVar

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.cli.terminal import fail, print_json, print_table, read_settings
from bot.deliveries.branch_observer import OBSERVER
from bot.deliveries.fold import deployments
from bot.domain.delivery import Deployment
from bot.domain.duration import parse_duration
from bot.domain.errors import DatabaseAway, PolicyError
from bot.domain.four_eyes import unapproved, unseen
from bot.domain.promotion import Promotion
from bot.policy import load
from bot.runtime import logs
from bot.store.audit import Audit, Row
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from bot.views.words import clean, count

audit_app = typer.Typer(no_args_is_help=True, help="Check and export the audit. Changes nothing.")
T = TypeVar("T")
COLUMNS = ("seq", "at", "event", "actor", "app", "environment", "promotion_id", "detail", "previous", "hash", "version")

Url = Annotated[str, typer.Option("--database-url", help="URL of the database; PILOTHOUSE_DATABASE_URL by default.")]
Since = Annotated[
    str, typer.Option(help="Only from this time on: 2026-01-31, an ISO time, or how long ago (30d, 12h).")
]


Until = Annotated[str, typer.Option(help="Only before this time, written as for --since.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


@audit_app.command()
def verify(
    url: Url = "",
    anchor: Annotated[
        str, typer.Option(help="SEQ:HASH that an earlier run printed; that row must still be there, unchanged.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check that no row was changed, removed or inserted. Exit status 1 if one was.

    Rows cut off at the end are found for sure only with an anchor: keep the one that each run prints somewhere else.
    """

    async def work(database: Database) -> tuple[str | None, Row | None]:
        audit = Audit(database)
        broken = await audit.verify()
        if not broken and anchor:
            broken = await _moved(audit, anchor)
        return broken, await _newest(audit)

    broken, newest = reading(url, work)
    if as_json:
        noted = f"{newest.seq}:{newest.hash}" if newest else ""
        print_json({"holds": not broken, "broken": broken or "", "rows": newest.seq if newest else 0, "anchor": noted})
        raise typer.Exit(1 if broken else 0)
    if broken:
        fail(f"The audit is broken: {broken}.")
    rows = newest.seq if newest else 0
    print(f"The audit is intact: {count(rows, 'row')}." + (f" Anchor: {newest.seq}:{newest.hash}" if newest else ""))


@audit_app.command()
def export(
    url: Url = "",
    since: Since = "",
    until: Until = "",
    format: Annotated[Format, typer.Option(help="csv, or json with one row a line.")] = Format.CSV,
) -> None:
    """Print every row, oldest first."""
    start, end = start_of(since), start_of(until, "--until")

    async def work(database: Database) -> None:
        write = write_csv if format is Format.CSV else write_json
        await write(_all(Audit(database), start, end), sys.stdout)

    reading(url, work)


@audit_app.command()
def four_eyes(
    url: Url = "",
    since: Since = "90d",
    environment: Annotated[str, typer.Option(help="Which environment; the last one in the policy by default.")] = "",
    policy: Annotated[Path | None, typer.Option(help="The policy file; PILOTHOUSE_POLICY_FILE by default.")] = None,
    until: Until = "",
    as_json: AsJson = False,
) -> None:
    """List the changes that only one person has seen. Exit status 1 if there are any.

    They are: promotions that nobody else approved, or that the policy lets through without approval; broken glass
    whose review is still owed; and changes made without Pilothouse, by hand or by a pipeline.
    """
    where, start = named_environment(environment, policy), start_of(since) or datetime.min.replace(tzinfo=UTC)
    end = start_of(until, "--until") or datetime.max.replace(tzinfo=UTC)

    async def work(database: Database) -> tuple[list[Listed], int, datetime | None]:
        record = DeliveryStore(database)
        changes, reviews = await PromotionStore(database).changes(where, start), ReviewStore(database)
        promoted = [_promoted(change, unseen(change, await reviews.get(change.id))) for change in changes]
        others = deployments(await record.of(environment=where, since=start))
        foreign = [_foreign(one, unapproved(one)) for one in others if not one.cause.ours]
        every = [one for one in (*promoted, *foreign) if one.at < end]
        listed = sorted((one for one in every if one.why), key=lambda one: one.at)
        return listed, len(every), await record.known_since(OBSERVER)

    found, total, known = reading(url, work)
    if as_json:
        since_when = known.isoformat() if known else None
        listed = [asdict(one) | {"at": one.at.isoformat()} for one in found]
        print_json({"environment": where, "changes": total, "others_known_since": since_when, "unseen": listed})
        raise typer.Exit(1 if found else 0)
    print(_known(known, start))
    if not found:
        print(
            f"{count(total, 'change')} to {where}, each seen by a second person."
            if total
            else f"No changes to {where}."
        )
        return
    print_table(_report(found))
    fail(f"Seen by one person only: {len(found)} of {count(total, 'change')} to {where}.")


async def write_csv(rows: AsyncIterator[Row], out: TextIO) -> None:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    async for row in rows:
        writer.writerow([harmless(getattr(row, column)) for column in COLUMNS])


def harmless(cell: object) -> object:
    """Spreadsheets run what begins like a formula, and people choose names and words: a quote makes it text again."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


async def write_json(rows: AsyncIterator[Row], out: TextIO) -> None:
    """One array, one row a line."""
    separator = "[\n"
    async for row in rows:
        said = {column: getattr(row, column) for column in COLUMNS} | {"detail": json.loads(row.detail)}
        out.write(separator + json.dumps(said))
        separator = ",\n"
    out.write("\n]\n" if separator == ",\n" else "[]\n")


@dataclass(frozen=True)
class Listed:
    """A change, as a row of the report; `why` is "" for one that somebody else has looked at."""

    at: datetime
    id: str
    change: str
    by: str
    approvers: str
    why: str


def _promoted(promotion: Promotion, why: str) -> Listed:
    plan = promotion.plan
    change = ", ".join(f"{move.app} {move.label_before} → {move.after.label}" for move in promotion.moves)
    approvers = ", ".join(approval.approver.name for approval in promotion.approvals) or "nobody"
    return Listed(plan.requested_at, plan.id, change, plan.requester.name, approvers, why)


def _foreign(deployment: Deployment, why: str) -> Listed:
    changed = [" → ".join(image.labels) for image in deployment.images] or list(deployment.paths)
    return Listed(
        deployment.at,
        deployment.sha[:12],
        f"{deployment.app} {', '.join(changed)}",
        deployment.who,
        "nobody",
        why,
    )


def _known(since: datetime | None, start: datetime) -> str:
    """What the report cannot know."""
    if since is None:
        return "Changes made without Pilothouse are unknown: it has never read the overlay repository."
    if since > start:
        return f"Changes made without Pilothouse are known only since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    return "Changes made without Pilothouse are included."


def _report(found: list[Listed]) -> Table:
    table = Table("When (UTC)", "Promotion or commit", "Change", "Requested by", "Approved by", "Why it is listed")
    for one in found:
        when = f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M}"
        table.add_row(when, *(escape(clean(text)) for text in (one.id, one.change, one.by, one.approvers, one.why)))
    return table


async def _all(audit: Audit, since: datetime | None, until: datetime | None = None) -> AsyncIterator[Row]:
    after = 0
    while page := await audit.rows(since, after):
        for row in page:
            if until is None or datetime.fromisoformat(row.at) < until:  # replicas have clocks of their own: go on
                yield row
        after = page[-1].seq


async def _newest(audit: Audit) -> Row | None:
    newest = None
    async for row in _all(audit, None):
        newest = row
    return newest


async def _moved(audit: Audit, anchor: str) -> str | None:
    seq, colon, noted = anchor.partition(":")
    if not (colon and seq.isdecimal() and int(seq)):
        fail(f"--anchor {anchor}: expected SEQ:HASH, as `pilothouse audit verify` prints it.")
    there = await audit.rows(after=int(seq) - 1, limit=1)
    if there and there[0].hash == noted:
        return None
    return f"row {seq} is not the one of the anchor: rows were cut off or rewritten"


def reading(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """Ends the process with a sentence when the database cannot be read."""
    url = url or read_settings().database_url
    logs.configure("critical", "console", list)  # the sentence below says it
    try:
        _check_is_there(url)
        return asyncio.run(_with_database(url, work))
    except (ArgumentError, ValueError) as error:
        fail(str(error))
    except DatabaseAway as error:
        fail(f"The database cannot be read: {error.detail}. Has Pilothouse ever run with it?")
    except SQLAlchemyError as error:
        fail(f"The database cannot be read: {type(error).__name__}. Has Pilothouse ever run with it?")


async def _with_database(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    database = Database(url)
    try:
        return await work(database)
    finally:
        await database.close()


def _check_is_there(url: str) -> None:
    """SQLite would make an empty file where there is none, and find nothing wrong in it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise ValueError(f"There is no database {parsed.database}. Give its URL with --database-url.")


def start_of(text: str, option: str = "--since") -> datetime | None:
    """What a date, a time or a duration before now names; None for "". Ends the process for anything else."""
    if not text:
        return None
    try:
        return datetime.now(UTC) - parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text}: expected 2026-01-31, an ISO time, or how long ago (30d, 12h).")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def named_environment(word: str, file: Path | None) -> str:
    """The one that the word names, by name or alias; the last one where nothing was said."""
    try:
        known = load(file or read_settings().policy_file).environments
    except PolicyError as error:
        fail(f"{error}\nThe policy says which environments there are. Give its path with --policy.")
    if not word:
        return known[-1].name
    found = next((one.name for one in known if one.answers_to(word)), "")
    if not found:
        fail(f"There is no environment {word!r}: the policy has {', '.join(one.name for one in known)}.")
    return found
