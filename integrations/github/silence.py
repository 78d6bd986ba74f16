"""The pause after a limit, in which nothing is sent (G16)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from bot.domain.errors import Unavailable
from integrations.github.failures import LEAST_PAUSE, LONGEST_PAUSE, SYSTEM, LimitWithoutTime, NotModified

DOUBLINGS = 6
"""from LEAST_PAUSE they lead past LONGEST_PAUSE"""


class Silence:
    """A limit holds for every request of ours, not only for the one that met it. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = clock()
        self._nameless = 0
        """limits in a row that named no time"""

    @contextmanager
    def kept(self, operation: str) -> Iterator[None]:
        """Around one request. Raises Unavailable while a pause lasts, and learns from what the request raises."""
        left = self._until - self._clock()
        if left > 0:
            raise Unavailable(SYSTEM, operation, "GitHub asked for a pause", timedelta(seconds=left))
        before = self._nameless
        try:
            yield
        except LimitWithoutTime as error:
            pause = self._longer(before)
            self._begin(pause)
            raise Unavailable(error.system, error.operation, error.detail, pause) from error
        except Unavailable as error:
            if error.retry_after is not None:
                self._begin(error.retry_after)
            raise
        except NotModified:
            self._succeeded(before)
            raise
        self._succeeded(before)

    def _begin(self, pause: timedelta) -> None:
        self._until = max(self._until, self._clock() + pause.total_seconds())

    def _longer(self, before: int) -> timedelta:
        # Requests that were under way together meet the same limit, which then counts once.
        if self._nameless <= before:
            self._nameless += 1
        return min(LEAST_PAUSE * (1 << min(self._nameless - 1, DOUBLINGS)), LONGEST_PAUSE)

    def _succeeded(self, before: int) -> None:
        # One that was let in before the last limit says nothing about it.
        if self._nameless == before:
            self._nameless = 0
