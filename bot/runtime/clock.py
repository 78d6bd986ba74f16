"""The machine's clock."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

Seconds = Callable[[], float]
"""counts seconds since the epoch"""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
