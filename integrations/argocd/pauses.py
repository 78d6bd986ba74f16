"""Long work in pieces, so that ten thousand Applications do not hold the event loop up."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")
PAUSE_EVERY = 50
"""Applications between two pauses that let the event loop do other things"""


async def with_pauses(items: Iterable[T]) -> AsyncIterator[T]:
    """The same, with a pause after each fifty."""
    for count, item in enumerate(items, 1):
        yield item
        if count % PAUSE_EVERY == 0:
            await asyncio.sleep(0)
