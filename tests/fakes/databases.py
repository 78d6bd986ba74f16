"""SQLite files that have this version's schema: migrated once a process, and copied for each test."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bot.store.database import Database
from bot.store.schema import migrate


async def create_tables(database: Database) -> None:
    """What `migrate` makes of an empty SQLite database, in a fifteenth of its time; a file that is there stays."""
    name = database.engine.url.database
    assert database.sqlite, "what can be copied is a SQLite database"
    made = await _migrated()
    if not name:
        await _fill(database, made)
    elif not Path(name).exists():  # noqa: ASYNC240 (a test has no one to keep waiting)
        Path(name).write_bytes(made)  # noqa: ASYNC240


async def _fill(database: Database, made: bytes) -> None:
    """One in memory. Its header must not speak of a write-ahead log, which only a file can have."""
    async with database.engine.connect() as connection:
        there = (await connection.get_raw_connection()).driver_connection
        assert there is not None
        await there._execute(there._conn.deserialize, made[:18] + b"\x01\x01" + made[20:])


async def _migrated() -> bytes:
    if not _made:
        with TemporaryDirectory() as directory:
            database = Database(f"sqlite:///{directory}/migrated.db")
            await migrate(database)
            await database.close()  # which brings all that was written into the one file
            _made.append((Path(directory) / "migrated.db").read_bytes())
    return _made[0]


_made: list[bytes] = []
