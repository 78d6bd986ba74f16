"""Slack's limits, obeyed before they are hit: turns by method, and by channel for messages (S2)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.errors import Unavailable

SYSTEM = "Slack"
POSTING = frozenset({"chat.postMessage", "chat.postEphemeral"})
REMEMBERED = 5000
"""channels whose pace is kept; the ones that rest longest are forgotten"""


@dataclass
class Bucket:
    """`burst` calls at once, then `rate` a second."""

    rate: float
    burst: float
    level: float
    at: float

    def reserve(self, now: float) -> float:
        """Takes the next turn; seconds until it comes."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate) - 1
        self.at = now
        return max(0.0, -self.level / self.rate)

    def give_back(self) -> None:
        self.level += 1


class Pace:
    """Lets calls pass one by one. `clock` counts seconds; about one message a second and channel is Slack's rule."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, per_second: float = 1.0, burst: float = 5.0
    ) -> None:
        self._clock = clock
        self._rate = per_second
        self._burst = burst
        self._channels: dict[str, Bucket] = {}
        self._closed_until: dict[tuple[str, str], float] = {}

    def closed(self, method: str, channel: str, wait: timedelta) -> None:
        """Slack said 429: nothing more of this method (of posting: to this channel) before `wait` is over."""
        self._closed_until[limit(method, channel)] = self._clock() + wait.total_seconds()

    async def turn(self, method: str, channel: str, patience: float) -> None:
        """Waits for a turn. Raises Unavailable at once when that would take longer than `patience` seconds."""
        bucket = self._bucket(channel) if method in POSTING and channel else None
        wait = max(self._closed_for(method, channel), bucket.reserve(self._clock()) if bucket else 0.0)
        if wait > patience:
            if bucket:
                bucket.give_back()
            raise Unavailable(SYSTEM, method, "too many calls: Slack's limit is reached", timedelta(seconds=wait))
        if wait:
            await asyncio.sleep(wait)

    def _closed_for(self, method: str, channel: str) -> float:
        key = limit(method, channel)
        left = self._closed_until.get(key, 0.0) - self._clock()
        if left <= 0:
            self._closed_until.pop(key, None)
        return max(0.0, left)

    def _bucket(self, channel: str) -> Bucket:
        bucket = self._channels.pop(channel, None) or Bucket(self._rate, self._burst, self._burst, self._clock())
        self._channels[channel] = bucket
        if len(self._channels) > REMEMBERED:
            del self._channels[next(iter(self._channels))]
        return bucket


def limit(method: str, channel: str) -> tuple[str, str]:
    """What Slack counts together: all calls of a method in the workspace, and messages by channel as well (S2)."""
    return method, channel if method in POSTING else ""
