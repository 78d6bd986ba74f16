"""The pace of the sandbox's world."""

import asyncio

import pytest

from integrations.sandbox.clock import Clock


async def test_a_new_speed_holds_for_what_sleeps_already() -> None:
    clock = Clock(0.001)
    sleeping = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    clock.speed = 1000
    async with asyncio.timeout(60):
        await sleeping


async def test_a_slower_speed_leaves_what_is_left_for_longer() -> None:
    clock, loop = Clock(10), asyncio.get_running_loop()
    began = loop.time()
    sleeping = asyncio.create_task(clock.sleep(2))
    await asyncio.sleep(0.05)
    clock.speed = 2
    passed = loop.time() - began
    await sleeping
    assert loop.time() - began >= passed + (2 - 10 * passed) / 2 - 0.02


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_time_does_not_stand_still(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Clock(speed)
