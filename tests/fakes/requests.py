"""A log of requests in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bot.ports import Request


@dataclass
class MemoryRequestLog:
    """`failing` breaks every call. What is leased stays so until it is released.

    `unsure`: requests of which it is known by now that they are not done.
    """

    seen: set[str] = field(default_factory=set)
    pending: dict[str, Request] = field(default_factory=dict)
    leased: set[str] = field(default_factory=set)
    failing: Exception | None = None
    unsure: list[Request] = field(default_factory=list)

    async def note(self, request: Request) -> bool:
        self._fail()
        if request.id in self.seen:
            return False
        self.seen.add(request.id)
        self.pending[request.id] = request
        self.leased.add(request.id)
        return True

    async def resolve(self) -> tuple[Request, ...]:
        self._fail()
        unsure, self.unsure = tuple(self.unsure), []
        return unsure

    async def take(self, now: float, limit: int) -> tuple[Request, ...]:
        self._fail()
        free = [request for request in self.pending.values() if request.id not in self.leased][:limit]
        for request in free:
            self.leased.add(request.id)
            self.pending[request.id] = replace(request, tries=request.tries + 1)
        return tuple(self.pending[request.id] for request in free)

    async def renew(self, ids: Iterable[str], now: float) -> None:
        self._fail()
        self.leased |= set(ids)

    async def release(self, ids: Iterable[str] | None = None) -> None:
        self._fail()
        self.leased -= self.leased if ids is None else set(ids)

    async def settle(self, id: str) -> None:
        self._fail()
        self.pending.pop(id, None)

    def _fail(self) -> None:
        if self.failing:
            raise self.failing
