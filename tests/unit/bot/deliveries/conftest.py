"""The delivery harness on a database file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database
from tests.fakes.databases import create_tables
from tests.unit.bot.deliveries.delivery_harness import DeliveryHarness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[DeliveryHarness]:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await create_tables(database)
    yield DeliveryHarness(database)
    await database.close()
