"""The machine's clock: the only place, beside the command line, that asks the machine for the time."""

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


SYSTEM_CLOCK = SystemClock()
"""the default of parts that need a clock; `bot.app.core` gives them its own"""
