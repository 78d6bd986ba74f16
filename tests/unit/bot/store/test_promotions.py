"""What is read of a promotion again and again is decoded once, and does not fill the memory."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.promotion import Promotion
from bot.store.promotions import LARGEST
from tests.fakes.world import CoreWorld, core_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


async def saved(world: CoreWorld, promotion: Promotion, outcome: str) -> list[Promotion | None]:
    """As two looks see it."""
    async with world.database.begin() as connection:
        await world.store.save(connection, replace(promotion, outcome=outcome))
    return [await world.store.get(promotion.id) for _ in range(2)]


async def test_an_unchanged_promotion_is_one_object_and_a_changed_one_is_read(world: CoreWorld) -> None:
    asked = await world.deploy()
    for outcome in ("one", "two"):
        first, second = await saved(world, asked, outcome)
        assert first is not None
        assert first.outcome == outcome
        assert second is first


async def test_a_long_train_is_not_kept(world: CoreWorld) -> None:
    """Each of its hundreds of versions would be."""
    first, second = await saved(world, await world.deploy(), "x" * LARGEST)
    assert first == second
    assert second is not first
