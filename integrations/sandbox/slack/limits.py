"""Slack's rate limits: a token bucket for each method, and one for each channel that messages are posted to (S2)."""

import math
from dataclasses import dataclass, field
from enum import IntEnum

from integrations.sandbox.slack.clock import SlackClock
from integrations.sandbox.slack.errors import RateLimitedError


class Tier(IntEnum):
    """Calls per minute, by Slack's names; SPECIAL methods stand for "hundreds per minute"."""

    ONE = 1
    TWO = 20
    THREE = 50
    FOUR = 100
    SPECIAL = 600


@dataclass(frozen=True)
class RateLimits:
    """`tolerance` calls beyond a tier are let through in a burst; so are `channel_burst` posts to one channel.

    `enabled=False` lets everything through. Per method, workspace and app; posts also 1 a second and channel (S2).
    """

    enabled: bool = True
    tolerance: int = 10
    channel_per_second: float = 1.0
    channel_burst: int = 10
    tiers: dict[str, int] = field(default_factory=dict)


@dataclass
class Bucket:
    capacity: float
    per_second: float
    level: float
    at: float

    def take(self, now: float) -> float:
        """0 when a call is let through, else the seconds until the next one would be."""
        self.level = min(self.capacity, self.level + (now - self.at) * self.per_second)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0
        return (1 - self.level) / self.per_second


class RateLimiter:
    """Raises RateLimitedError for a call too many. `limits.tiers` overrides the calls per minute of a method."""

    def __init__(self, clock: SlackClock, limits: RateLimits) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self.limits = limits

    def check_method(self, method: str, tier: Tier) -> None:
        per_minute = self.limits.tiers.get(method, int(tier))
        self._check((method, ""), per_minute + self.limits.tolerance, per_minute / 60)

    def check_channel(self, method: str, channel: str) -> None:
        self._check((method, channel), self.limits.channel_burst, self.limits.channel_per_second)

    def _check(self, key: tuple[str, str], capacity: float, per_second: float) -> None:
        if not self.limits.enabled:
            return
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, Bucket(capacity, per_second, capacity, now))
        if wait := bucket.take(now):
            raise RateLimitedError(max(1, math.ceil(wait)))
