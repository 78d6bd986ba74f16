"""`pilothouse audit`: does the chain hold, what happened, and what changed without a second pair of eyes?"""

import csv
import json
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TextIO

import typer

from bot.cli.four_eyes import four_eyes
from bot.cli.record import AsJson, Since, Until, Url, harmless, reading, start_of
from bot.cli.terminal import fail, print_json
from bot.store.audit import Audit, Row
from bot.store.database import Database
from bot.views.words import count

audit_app = typer.Typer(no_args_is_help=True, add_completion=False, help="Check and export the audit. Changes nothing.")
COLUMNS = ("seq", "at", "event", "actor", "app", "environment", "promotion_id", "detail", "previous", "hash", "version")


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


audit_app.command()(four_eyes)


async def write_csv(rows: AsyncIterator[Row], out: TextIO) -> None:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    async for row in rows:
        writer.writerow([harmless(getattr(row, column)) for column in COLUMNS])


async def write_json(rows: AsyncIterator[Row], out: TextIO) -> None:
    """One array, one row a line."""
    separator = "[\n"
    async for row in rows:
        said = {column: getattr(row, column) for column in COLUMNS} | {"detail": json.loads(row.detail)}
        out.write(separator + json.dumps(said))
        separator = ",\n"
    out.write("\n]\n" if separator == ",\n" else "[]\n")


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
