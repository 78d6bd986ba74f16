"""Locks, freezes, rejections and the record of promotions, in memory."""

from dataclasses import dataclass, field

from bot.domain.safety import Freeze, Lock, Rejection


@dataclass
class MemorySafety:
    """Implements Locks, Freezes, Rejections and PromotionRecord; `past` holds (app, environment, digest)."""

    lock: Lock | None = None
    others: tuple[Lock, ...] = ()
    """locks beside it"""
    freeze: Freeze | None = None
    rejections: list[Rejection] = field(default_factory=list)
    past: set[tuple[str, str, str]] = field(default_factory=set)

    async def holding(self, app: str, environment: str) -> tuple[Lock, ...]:
        there = (*([self.lock] if self.lock else ()), *self.others)
        return tuple(lock for lock in there if lock.app in (app, "") and lock.environment == environment)

    async def active(self, app: str, environment: str) -> Freeze | None:
        freeze = self.freeze
        return freeze if freeze and freeze.app in (app, "") and freeze.environment == environment else None

    async def all(self) -> tuple[Rejection, ...]:
        return tuple(self.rejections)

    async def succeeded(self, app: str, environment: str, digest: str) -> bool:
        return (app, environment, digest) in self.past
