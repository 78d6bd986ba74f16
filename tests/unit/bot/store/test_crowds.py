"""Many at once on SQLite: everybody's turn comes, and who only looks waits for nobody."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.audit import Audit, AuditEntry
from bot.store.database import Database
from bot.store.locks import LockStore
from tests.fakes.databases import create_tables


@pytest.fixture
async def database(tmp_path: Path) -> Database:
    opened = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await create_tables(opened)
    return opened


async def test_a_crowd_of_writers_is_served_to_the_last_one(database: Database) -> None:
    chain = Audit(database)
    await asyncio.gather(*(chain.record(AuditEntry("refused", f"U{number}")) for number in range(150)))
    assert len(await chain.rows()) == 150
    assert await chain.verify() is None
    await database.close()


async def test_who_looks_does_not_wait_for_who_writes(database: Database) -> None:
    locks = LockStore(database)
    async with database.begin() as connection:
        await connection.execute(sa.text("DELETE FROM locks"))
        async with asyncio.timeout(30):
            assert await asyncio.gather(*(locks.all() for _ in range(30))) == [()] * 30
    await database.close()


async def test_who_looks_changes_nothing(database: Database) -> None:
    async with database.reading() as connection:
        await connection.execute(sa.text("INSERT INTO requests (id, at) VALUES ('x', '2026-01-01')"))
    async with database.reading() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM requests"))).scalar_one() == 0
    await database.close()
