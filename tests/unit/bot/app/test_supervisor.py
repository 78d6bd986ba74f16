"""Background loops are kept running, whatever ends them."""

import asyncio
from collections.abc import Callable

import pytest

from bot.app.supervisor import FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS, Supervisor


class Time:
    """Virtual: a pause ends when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.over.wait()
        self.over.clear()
        self.now += seconds


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def die() -> None:
    raise RuntimeError("a mistake of ours")


def cancelled() -> None:
    raise asyncio.CancelledError


def end() -> None:
    return


@pytest.mark.parametrize("how", [die, cancelled, end])
async def test_a_loop_that_is_over_is_told_and_started_again(how: Callable[[], None]) -> None:
    time, runs = Time(), 0

    async def loop() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            how()
        else:
            await asyncio.Event().wait()

    supervisor = Supervisor(time.sleep, lambda: time.now)
    async with supervisor.keeping("messages", loop):
        await turn()
        assert (runs, dict(supervisor.alive)) == (1, {"messages": False})
        time.over.set()
        await turn()
        assert (runs, dict(supervisor.alive)) == (2, {"messages": True})
    assert supervisor.alive == {}


async def test_one_that_dies_again_and_again_is_started_less_and_less_often() -> None:
    time = Time()

    async def loop() -> None:
        die()

    supervisor = Supervisor(time.sleep, lambda: time.now)
    async with supervisor.keeping("messages", loop):
        for _ in range(9):
            await turn()
            assert supervisor.alive == {"messages": False}
            time.over.set()
        await turn()
    assert time.pauses[:7] == [FIRST_PAUSE * 2**n for n in range(6)] + [LONGEST_PAUSE]
    assert time.pauses[-1] == LONGEST_PAUSE


async def test_one_that_ran_for_long_is_started_again_at_once() -> None:
    time = Time()

    async def loop() -> None:
        time.now += STEADY_SECONDS if len(time.pauses) == 2 else 0
        die()

    async with Supervisor(time.sleep, lambda: time.now).keeping("messages", loop):
        for _ in range(4):
            await turn()
            time.over.set()
    assert time.pauses == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE, FIRST_PAUSE * 2]


async def test_one_that_dies_leaves_the_others_alone_and_all_end_with_the_process() -> None:
    time, ended = Time(), []

    async def well() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("well")

    async def ill() -> None:
        die()

    supervisor = Supervisor(time.sleep, lambda: time.now)
    async with supervisor.keeping("well", well), supervisor.keeping("ill", ill):
        await turn()
        assert supervisor.alive == {"well": True, "ill": False}
    assert ended == ["well"]
