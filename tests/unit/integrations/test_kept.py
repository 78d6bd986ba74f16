"""What is kept of other systems' answers, and what is asked again."""

import asyncio

import pytest

from integrations.kept import KeptAnswers


async def test_an_answer_is_asked_for_once_and_the_oldest_goes() -> None:
    answers, asked = KeptAnswers[str](limit=2), []

    async def ask(name: str) -> str:
        asked.append(name)
        await asyncio.sleep(0)
        return name.upper()

    async def get(name: str) -> str:
        return await answers.get(name, lambda: ask(name))

    assert await asyncio.gather(*map(get, ("a", "a", "b", "a"))) == ["A", "A", "B", "A"]
    assert await get("a") == "A"
    assert asked == ["a", "b"]
    await get("c")
    assert await get("a") == "A"
    assert asked == ["a", "b", "c", "a"]


async def test_an_error_is_everybody_s_and_not_kept() -> None:
    answers, asked = KeptAnswers[int](limit=2), []

    async def ask() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        if len(asked) == 1:
            raise OSError("away")
        return len(asked)

    ends = await asyncio.gather(*(answers.get("a", ask) for _ in range(3)), return_exceptions=True)
    assert [type(end) for end in ends] == [OSError] * 3
    assert await answers.get("a", ask) == 2


async def test_who_gives_up_leaves_the_answer_to_the_others() -> None:
    answers, free = KeptAnswers[int](limit=2), asyncio.Event()

    async def ask() -> int:
        await free.wait()
        return 1

    one, other = (asyncio.create_task(answers.get("a", ask)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    free.set()
    assert await other == 1
    with pytest.raises(asyncio.CancelledError):
        await one
