"""What several ask within one round is asked once."""

import asyncio

import pytest

from bot.runtime.beside import asked_beside
from bot.runtime.one_round import once, one_round


class Outside:
    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()
        self.given_up = False

    async def ask(self) -> int:
        self.asked += 1
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return self.asked

    async def fail(self) -> int:
        self.asked += 1
        raise OSError("away")


@pytest.fixture
def outside() -> Outside:
    return Outside()


async def test_all_who_ask_in_a_round_get_one_answer(outside: Outside) -> None:
    outside.answers.set()
    with one_round():
        assert list(await asyncio.gather(once("head", outside.ask), once("head", outside.ask))) == [1, 1]
        assert await once("head", outside.ask) == 1
        assert await once("another", outside.ask) == 2


async def test_outside_of_a_round_and_in_the_next_one_it_is_asked_anew(outside: Outside) -> None:
    outside.answers.set()
    assert [await once("head", outside.ask), await once("head", outside.ask)] == [1, 2]
    for expected in (3, 4):
        with one_round():
            assert await once("head", outside.ask) == expected


async def test_what_outlives_the_round_asks_anew(outside: Outside) -> None:
    """A promotion begins within a command, and lives for days."""
    outside.answers.set()
    over = asyncio.Event()

    async def promotion() -> list[int]:
        first = await once("head", outside.ask)
        await over.wait()
        return [first, await once("head", outside.ask), await once("head", outside.ask)]

    with one_round():
        await once("head", outside.ask)
        begun = asyncio.create_task(promotion())
        await asyncio.sleep(0)
    over.set()
    assert await begun == [1, 2, 3]


async def test_an_error_is_everybodys_answer(outside: Outside) -> None:
    with one_round():
        for _ in range(2):
            with pytest.raises(OSError, match="away"):
                await once("head", outside.fail)
    assert outside.asked == 1


async def test_whoever_gives_up_asking_leaves_it_to_the_others(outside: Outside) -> None:
    with one_round():
        impatient = asyncio.create_task(once("head", outside.ask))
        patient = asyncio.create_task(once("head", outside.ask))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        outside.answers.set()
        assert await patient == 1


async def test_what_is_asked_when_the_round_ends_is_still_answered(outside: Outside) -> None:
    """A promotion that is begun within a command waits for it, and must not be taken for one that was stopped."""
    with one_round():
        asking = asyncio.create_task(once("head", outside.ask))
        await asyncio.sleep(0)
    outside.answers.set()
    assert await asking == 1


async def test_what_is_asked_beside_is_there_when_it_is_needed(outside: Outside) -> None:
    async with asked_beside(outside.ask()) as answer:
        await asyncio.sleep(0)
        assert outside.asked == 1
        outside.answers.set()
        assert await answer == 1


async def test_what_is_not_needed_after_all_is_given_up(outside: Outside) -> None:
    async with asked_beside(outside.ask()):
        await asyncio.sleep(0)
    assert outside.given_up
    async with asked_beside(outside.fail()):  # nor does anybody hear of it
        await asyncio.sleep(0)
