"""Waiting for what a background task, a socket's other side or another process does."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Returns as soon as it holds. Raises TimeoutError after so many seconds, which only a failing test waits for."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (who makes it true has no event to wait on)
            await asyncio.sleep(0.005)
