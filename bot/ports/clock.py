"""The time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, and its passing. One clock for everything, so that tests can let a day pass in a moment."""

    def now(self) -> datetime:
        """UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return when so much time has passed."""
