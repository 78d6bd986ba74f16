"""Locks, freezes, rejections and the record of promotions, in memory."""

from dataclasses import dataclass, field

from bot.domain.safety import Freeze, Lock, Rejection


@dataclass
class MemorySafety:
    """Implements Locks, Freezes, Rejections and PromotionRecord; `past` holds (app, environment, digest)."""

    lock: Lock | None = None
    freeze: Freeze | None = None
    rejections: list[Rejection] = field(default_factory=list)
    past: set[tuple[str, str, str]] = field(default_factory=set)

    async def held(self, app: str, environment: str) -> Lock | None:
        lock = self.lock
        return lock if lock and lock.app in (app, "") and lock.environment == environment else None

    async def active(self, app: str, environment: str) -> Freeze | None:
        freeze = self.freeze
        return freeze if freeze and freeze.app in (app, "") and freeze.environment == environment else None

    async def all(self) -> tuple[Rejection, ...]:
        return tuple(self.rejections)

    async def succeeded(self, app: str, environment: str, digest: str) -> bool:
        return (app, environment, digest) in self.past
