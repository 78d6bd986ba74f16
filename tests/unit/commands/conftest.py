"""Every command, over fakes, on a database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.command_harness import CommandHarness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[CommandHarness]:
    harness = CommandHarness(database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    yield harness
    await harness.safety.database.close()
