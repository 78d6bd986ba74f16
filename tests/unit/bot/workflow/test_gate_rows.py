"""The audit has one row of each answer of the gates: a step repeated after a crash adds one only for a new answer."""

import json

from bot.domain.promotion import Promotion
from bot.domain.scan import ScanStatus
from tests.fakes.world import HARBOR, CoreWorld


async def answers(world: CoreWorld, asked: Promotion) -> list[str]:
    """What the scan said, row after row."""
    rows = [row for row in await world.audit.rows() if (row.event, row.promotion_id) == ("gates", asked.id)]
    return [told["verdict"] for row in rows for told in json.loads(row.detail)["results"] if told["gate"] == "scan"]


async def test_a_repeated_step_writes_one_row_of_one_answer(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.engine.settle()
    before = await answers(world, asked)
    await world.steps.ask_gates(asked, 1)
    assert await answers(world, asked) == before == ["Passed"]


async def test_a_repeated_step_that_is_answered_otherwise_is_on_record(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.engine.settle()
    image = (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    world.registry.finish_scan(image, status=ScanStatus.ERROR)
    await world.steps.ask_gates(asked, 1)
    assert await answers(world, asked) == ["Passed", "Blocked"]
