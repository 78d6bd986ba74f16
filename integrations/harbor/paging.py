"""All the pages of a list."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import TypeVar

T = TypeVar("T")

PAGE_SIZE = 100
"""the most that Harbor gives (H8)"""
PAGES = 1000


async def pages(
    read: Callable[[int], Awaitable[list[T]]],
    key: Callable[[T], Hashable],
    size: int = PAGE_SIZE,
    most: int = PAGES,
) -> AsyncIterator[T]:
    """Each thing once, though what is pushed meanwhile shifts the pages. Counts from page 1, until one is not full, or
    to the page `most`.

    The server's own Link headers are not followed: their queries are broken (H8).
    """
    seen: set[Hashable] = set()
    for number in range(1, most + 1):
        page = await read(number)
        for item in page:
            if key(item) not in seen:
                seen.add(key(item))
                yield item
        if len(page) < size:
            return
