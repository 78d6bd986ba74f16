"""An office whose people's words are kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.office import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await office.safety.create()
    yield office
    await office.safety.database.close()
