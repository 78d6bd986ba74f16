"""Turns at writing: in order, what is urgent first, and whoever gives up keeps nobody waiting."""

import asyncio

import pytest

from bot.store.turns import Turns


async def line_up(turns: Turns, order: list[str], name: str, *, urgent: bool = False) -> asyncio.Task[None]:
    async def take() -> None:
        await turns.take(urgent=urgent)
        order.append(name)
        turns.hand_on()

    task = asyncio.create_task(take())
    await asyncio.sleep(0)
    return task


async def test_the_urgent_goes_before_the_usual_and_each_line_keeps_its_order() -> None:
    turns, order = Turns(), list[str]()
    await turns.take()
    tasks = [
        await line_up(turns, order, "usual 1"),
        await line_up(turns, order, "urgent 1", urgent=True),
        await line_up(turns, order, "usual 2"),
        await line_up(turns, order, "urgent 2", urgent=True),
    ]
    assert order == []
    turns.hand_on()
    await asyncio.gather(*tasks)
    assert order == ["urgent 1", "urgent 2", "usual 1", "usual 2"]
    await turns.take()  # and it is free again


async def test_whoever_gives_up_is_passed_over() -> None:
    turns, order = Turns(), list[str]()
    await turns.take()
    gone, there = await line_up(turns, order, "gone", urgent=True), await line_up(turns, order, "there")
    gone.cancel()
    turns.hand_on()
    await there
    assert order == ["there"]


async def test_a_turn_that_comes_as_somebody_gives_up_is_handed_on() -> None:
    turns, order = Turns(), list[str]()
    await turns.take()
    gone, there = await line_up(turns, order, "gone"), await line_up(turns, order, "there")
    turns.hand_on()  # to the first, who gives up before it runs on
    gone.cancel()
    await there
    assert order == ["there"]
    with pytest.raises(asyncio.CancelledError):
        await gone
