"""The desk on a database file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database
from tests.fakes.databases import create_tables
from tests.unit.bot.deliveries.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await create_tables(database)
    yield Desk(database)
    await database.close()
