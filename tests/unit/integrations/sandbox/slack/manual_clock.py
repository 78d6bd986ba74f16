"""A clock that a test moves by hand, so that minutes pass in no time."""

import asyncio


class ManualClock:
    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, waiting))
        await waiting

    def advance(self, seconds: float) -> None:
        self._now += seconds
        for until, waiting in self._sleepers:
            if until <= self._now and not waiting.done():
                waiting.set_result(None)
        self._sleepers = [(until, waiting) for until, waiting in self._sleepers if not waiting.done()]

    async def pass_time(self, seconds: float) -> None:
        """Moves the clock once everybody has gone to sleep, then lets the woken ones run."""
        await _settle()
        self.advance(seconds)
        await _settle()


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
