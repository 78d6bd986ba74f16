"""One question at a time of many who ask the same: each hears an answer to a question that was put after they asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedQuestion(Generic[T]):
    """What is asked while a question is under way is one question after it, however many ask.

    Fifty promotions that follow one branch would ask its host fifty times as often as one. An error is everybody's.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._now: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def answer(self) -> T:
        """Raises what `ask` raises. Who gives up leaves the answer to the others."""
        if self._next is None:
            self._next = asyncio.create_task(self._put(self._now))
            self._next.add_done_callback(_heard)
        return await asyncio.shield(self._next)

    async def _put(self, before: "asyncio.Task[T] | None") -> T:
        if before and not before.done():
            await asyncio.wait([before])
        self._now, self._next = self._next, None
        return await self._ask()

    async def aclose(self) -> None:
        asked = [task for task in (self._now, self._next) if task and not task.done()]
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


def _heard(answer: "asyncio.Task[T]") -> None:
    """So that an error is not logged as one that nobody heard, where all have given up."""
    if not answer.cancelled():
        answer.exception()
