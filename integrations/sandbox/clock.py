"""How fast the sandbox's world moves."""

import asyncio
import math
from datetime import UTC, datetime


class Clock:
    """Stretches or shrinks the durations of the world; timestamps stay real UTC, so that people can read them.

    `speed` 1.0 is the default pace (a pipeline takes seconds, not minutes); 2.0 is twice as fast. It may be changed at
    any time, and holds for what sleeps already, too. Raises ValueError for a speed that is not positive.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._changed = asyncio.Event()
        self.speed = speed

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if not 0 < speed < math.inf:
            raise ValueError(f"speed must be a positive number, not {speed!r}")
        self._speed = speed
        self._changed.set()
        self._changed = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        left = max(seconds, 0.0)
        while True:
            began, speed = clock(), self._speed
            try:
                async with asyncio.timeout(left / speed):
                    await self._changed.wait()
            except TimeoutError:
                return
            left = max(left - (clock() - began) * speed, 0.0)


def rfc3339(moment: datetime) -> str:
    """The second-resolution UTC form that Kubernetes and Argo CD write."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
