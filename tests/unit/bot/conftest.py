"""The core in memory, for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.world import CoreWorld, core_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built
