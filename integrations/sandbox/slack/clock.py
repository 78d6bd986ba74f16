"""The time that Slack's own limits are counted in.

Deliberately not the sandbox's `Clock`: a faster world must not shorten the three seconds that an app has to
acknowledge (S10), the life of a trigger (S15) or the thirty minutes of a response URL (S14).
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol, TypeVar

T = TypeVar("T")


class SlackClock(Protocol):
    """Seconds since the epoch that never go back, and a way to wait for them to pass."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    """Real time: the epoch read once, then carried forward by the monotonic clock."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return self._offset + time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def within(clock: SlackClock, awaitable: Awaitable[T], seconds: float) -> T:
    """The awaitable's result. Raises TimeoutError when `seconds` of the clock pass first, having cancelled it."""
    work = asyncio.ensure_future(awaitable)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise TimeoutError(f"nothing came within {seconds} s")
    finally:
        work.cancel()
        timer.cancel()
