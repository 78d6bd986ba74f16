"""What runs beside the answering of requests is kept running: whatever dies is started again, and told meanwhile."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""seconds before what died is started again: doubled each time"""
STEADY_SECONDS = 120.0
"""What has run for so long and dies is started again after the first pause."""

Loop = Callable[[], Coroutine[Any, Any, None]]


class Supervisor:
    """`sleep` waits for seconds, `clock` counts them."""

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._alive: dict[str, bool] = {}

    @property
    def alive(self) -> Mapping[str, bool]:
        """Each loop by name, and whether it runs now. It asks nobody, so that it answers while everything is away."""
        return dict(self._alive)

    @asynccontextmanager
    async def keeping(self, name: str, loop: Loop) -> AsyncIterator[None]:
        """The loop runs within. It is meant never to end: one that returns has died, too."""
        self._alive[name] = True
        task = asyncio.create_task(self._keep(name, loop), name=name)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            del self._alive[name]

    async def _keep(self, name: str, loop: Loop) -> None:
        pause = FIRST_PAUSE
        while True:
            begun = self._clock()
            self._alive[name] = True
            await self._once(name, loop)
            self._alive[name] = False
            if self._clock() - begun >= STEADY_SECONDS:
                pause = FIRST_PAUSE
            await self._sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _once(self, name: str, loop: Loop) -> None:
        try:
            await loop()
            log.error("loop.ended", loop=name)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # we are stopped; otherwise something inside it was cancelled
            log.warning("loop.cancelled", loop=name)
        except Exception:
            log.exception("loop.crashed", loop=name)
