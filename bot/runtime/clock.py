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
"""what parts go by that nobody hands a clock; `bot.app.core` hands them its own"""
