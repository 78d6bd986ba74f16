"""The database: reachable, of this version, and writable. Nothing stays behind."""

import os
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.doctor.finding import Check, Skipped, Wrong
from bot.runtime.sqlite import too_old
from bot.settings import Settings
from bot.store.database import Database
from bot.store.schema import revision, revisions

SYSTEM = "database"


class OpenedDatabase:
    """A database that is opened for one question, and never made by asking."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        file = parsed.database if parsed.get_backend_name() == "sqlite" else None
        if file and not Path(file).exists():
            if not os.access(Path(file).absolute().parent, os.W_OK):
                raise Wrong(f"the directory of {file} does not exist, or cannot be written to")
            raise Skipped(f"{file} does not exist yet: the bot creates it when it starts")
        self._database = Database(url)

    async def __aenter__(self) -> Database:
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


def checks(settings: Settings) -> tuple[Check, ...]:
    url = settings.database_url
    return (
        Check(
            SYSTEM, "connection", lambda: _connects(url), "Check PILOTHOUSE_DATABASE_URL, and that the database is up."
        ),
        Check(SYSTEM, "tables", lambda: _migrated(url), "Fix the connection first."),
        Check(SYSTEM, "writable", lambda: _writable(url), "Let the bot's database user create and change tables."),
    )


async def _connects(url: str) -> str:
    if url.startswith("sqlite") and (why := too_old()):
        detail, _, fix = why.partition(". ")
        raise Wrong(detail, fix)
    try:
        async with OpenedDatabase(url) as database, database.engine.connect() as connection:
            await connection.execute(sa.text("SELECT 1"))
    except (SQLAlchemyError, ImportError) as error:
        raise Wrong(said(error)) from error
    return "SQLite, for one replica" if database.sqlite else "Postgres"


async def _migrated(url: str) -> str:
    try:
        async with OpenedDatabase(url) as database:
            at = await revision(database)
    except (SQLAlchemyError, ImportError) as error:
        raise Skipped("first fix database: connection") from error
    known = revisions()
    if at == known[0]:
        return f"up to date ({at})"
    if at and at not in known:
        raise Wrong(
            f"a newer Pilothouse has changed them ({at})",
            "Run that version, or restore the backup from before the upgrade.",
        )
    raise Skipped(f"at {at or 'nothing'}: the bot brings them up to {known[0]} when it starts")


async def _writable(url: str) -> str:
    """Makes a table in a transaction that is rolled back."""
    try:
        async with OpenedDatabase(url) as database, database.engine.connect() as connection:
            await connection.execute(sa.text("CREATE TABLE pilothouse_doctor (seen INTEGER)"))
            await connection.rollback()
    except (SQLAlchemyError, ImportError) as error:
        raise Wrong(said(error)) from error
    return "yes"


def said(error: Exception) -> str:
    """The driver's own words; SQLAlchemy adds the statement and a link."""
    origin = getattr(error, "orig", None) or error
    return " ".join(str(origin).split())[:300]
