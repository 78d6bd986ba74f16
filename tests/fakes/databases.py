"""SQLite files that have this version's schema: migrated once a process, and copied for each test."""

import atexit
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.store.database import Database
from bot.store.schema import migrate

_made: list[Path] = []
_directory = TemporaryDirectory()
atexit.register(_directory.cleanup)


async def create_tables(database: Database) -> None:
    """What `migrate` makes of an empty SQLite database, in a fifteenth of its time; a file that is there stays."""
    name = database.engine.url.database
    assert database.sqlite, "what can be copied is a SQLite database"
    made = await _migrated()
    if not name:
        await _fill(database, made)
    elif not Path(name).exists():  # noqa: ASYNC240 (a test has no one to keep waiting)
        Path(name).write_bytes(made.read_bytes())  # noqa: ASYNC240


async def _fill(database: Database, made: Path) -> None:
    """One in memory."""
    async with database.engine.connect() as connection:
        there = (await connection.get_raw_connection()).driver_connection
        assert there is not None
        await there._execute(_copy, made, there._conn)


def _copy(made: Path, into: sqlite3.Connection) -> None:
    """A SQLite that comes as a package cannot be given the bytes of a database, but can copy one."""
    with closing(sqlite3.connect(made)) as source:
        source.backup(into)


async def _migrated() -> Path:
    if not _made:
        file = Path(_directory.name) / "migrated.db"
        database = Database(f"sqlite:///{file}")
        await migrate(database)
        await database.close()  # which brings all that was written into the one file
        _made.append(file)
    return _made[0]
