"""What the commands that read the database share: their options, the way to it, and which environments they look at."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.cli.terminal import fail, read_settings
from bot.domain.duration import parse_duration
from bot.domain.environment import careful_ones
from bot.domain.errors import DatabaseAway, PolicyError
from bot.policy import Policy, load
from bot.runtime import logs
from bot.store.database import Database

T = TypeVar("T")

Url = Annotated[str, typer.Option("--database-url", help="URL of the database; PILOTHOUSE_DATABASE_URL by default.")]
Since = Annotated[
    str, typer.Option(help="Only from this time on: 2026-01-31, an ISO time, or how long ago (30d, 12h).")
]
Until = Annotated[str, typer.Option(help="Only before this time, written as for --since.")]
EnvironmentName = Annotated[
    str, typer.Option("--environment", help="Which environment; production and the last one in the policy by default.")
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="The policy file; PILOTHOUSE_POLICY_FILE by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


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


def read_policy(file: Path | None) -> Policy:
    """Ends the process where it cannot be read."""
    try:
        return load(file or read_settings().policy_file)
    except PolicyError as error:
        fail(f"{error}\nThe policy says which environments there are. Give its path with --policy.")


def named_environments(word: str, policy: Policy) -> tuple[str, ...]:
    """The one that the word names, by name or alias; without a word all that are careful, in the policy's order."""
    known = policy.environments
    if not word:
        return careful_ones(known)
    found = tuple(one.name for one in known if one.answers_to(word))
    if not found:
        fail(f"There is no environment {word!r}: the policy has {', '.join(one.name for one in known)}.")
    return found[:1]


def harmless(cell: object) -> object:
    """Spreadsheets run what begins like a formula, and people choose names and words: a quote makes it text again."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
