"""SQLite files that have this version's schema: migrated once a process, and copied for each test."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bot.store.database import Database
from bot.store.schema import migrate


async def create_tables(database: Database) -> None:
    """What `migrate` makes of an empty database, for a file in a fifteenth of its time.

    A file that is there is left alone.
    """
    name = database.engine.url.database
    if not database.sqlite or not name:
        await migrate(database)
        return
    made = await _migrated()
    if not Path(name).exists():  # noqa: ASYNC240 (a test has no one to keep waiting)
        Path(name).write_bytes(made)  # noqa: ASYNC240


async def _migrated() -> bytes:
    if not _made:
        with TemporaryDirectory() as directory:
            database = Database(f"sqlite:///{directory}/migrated.db")
            await migrate(database)
            await database.close()  # which brings all that was written into the one file
            _made.append((Path(directory) / "migrated.db").read_bytes())
    return _made[0]


_made: list[bytes] = []
