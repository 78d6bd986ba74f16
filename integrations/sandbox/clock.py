"""How fast the sandbox's world moves."""

import asyncio
from datetime import UTC, datetime


class Clock:
    """Stretches or shrinks the durations of the world; timestamps stay real UTC, so that people can read them.

    `speed` 1.0 is the default pace (a pipeline takes seconds, not minutes); 2.0 is twice as fast.
    Raises ValueError for a speed that is not positive.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be a positive number, not {speed!r}")
        self.speed = speed

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


def rfc3339(moment: datetime) -> str:
    """The second-resolution UTC form that Kubernetes and Argo CD write."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
