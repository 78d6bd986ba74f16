"""The audit has one row of each answer of the gates: a step repeated after a crash adds one only for a new answer."""

import json

from bot.domain.promotion import Promotion
from bot.domain.scan import ScanStatus
from tests.fakes.world import HARBOR, House


async def answers(home: House, asked: Promotion) -> list[str]:
    """What the scan said, row after row."""
    rows = [row for row in await home.audit.rows() if (row.event, row.promotion_id) == ("gates", asked.id)]
    return [told["verdict"] for row in rows for told in json.loads(row.detail)["results"] if told["gate"] == "scan"]


async def test_a_repeated_step_writes_one_row_of_one_answer(home: House) -> None:
    asked = await home.deploy("ana")
    await home.engine.settle()
    before = await answers(home, asked)
    await home.steps.ask_gates(asked, 1)
    assert await answers(home, asked) == before == ["Passed"]


async def test_a_repeated_step_that_is_answered_otherwise_is_on_record(home: House) -> None:
    asked = await home.deploy("ana")
    await home.engine.settle()
    image = (await home.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    home.registry.finish_scan(image, status=ScanStatus.ERROR)
    await home.steps.ask_gates(asked, 1)
    assert await answers(home, asked) == ["Passed", "Blocked"]
