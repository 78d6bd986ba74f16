"""A log of requests in memory."""

from dataclasses import dataclass, field


@dataclass
class MemoryRequestLog:
    """`failing` breaks every call."""

    seen: set[str] = field(default_factory=set)
    failing: Exception | None = None

    async def first(self, request_id: str) -> bool:
        if self.failing:
            raise self.failing
        if request_id in self.seen:
            return False
        self.seen.add(request_id)
        return True
