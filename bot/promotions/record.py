"""Where a promotion is written down: row, audit chain and announcements in one transaction."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.event import Event
from bot.domain.promotion import Promotion
from bot.store.audit import Audit, AuditEntry
from bot.store.database import Database
from bot.store.promotions import PromotionStore

Write = Callable[[AsyncConnection], Awaitable[object]]
Promoted = Callable[[AsyncConnection, Iterable[str]], Awaitable[object]]
"""hears of the apps of every promotion that has changed, in its transaction"""


class Announcements(Protocol):
    async def put(self, connection: AsyncConnection, promotion: Promotion, event: Event) -> None:
        """Tell whoever is to hear of it, once, after the caller's transaction is there."""
        ...


@dataclass(frozen=True)
class Record:
    """Where a promotion is written down: row, audit chain and outbox in one transaction."""

    database: Database
    store: PromotionStore
    audit: Audit
    announcements: Announcements
    promoted: Promoted

    async def release_claims(self) -> int:
        """Free the apps that promotions which are over still hold; how many."""
        async with self.database.begin() as connection:
            return await self.store.release_ended(connection)

    async def write(
        self, promotion: Promotion, entry: AuditEntry | None = None, event: Event | None = None, *more: Write
    ) -> None:
        """`more` are written in the same transaction."""
        async with self.database.begin() as connection:
            await self.store.save(connection, promotion)
            await self.promoted(connection, promotion.plan.apps)
            for write in more:
                await write(connection)
            if entry:
                await self.audit.append(connection, entry)
            if event:
                await self.announcements.put(connection, promotion, event)
        self.store.written.tell(promotion.id)


def entry_of(promotion: Promotion, event: str, step: str, *, actor: str = "", **detail: Any) -> AuditEntry:
    """The audit row of one step; `step` makes it one row however often the step is run."""
    plan = promotion.plan
    moves = [f"{m.app}: {m.label_before} -> {m.after.label} ({m.after.digest})" for m in promotion.moves]
    left_out = {"left_out": list(promotion.left_out)} if promotion.left_out else {}
    return AuditEntry(
        event=event,
        actor=actor or plan.requester.id,
        apps=plan.apps,
        environment=plan.environment,
        promotion_id=plan.id,
        detail={"moves": moves, "kind": plan.kind, "correlation": plan.correlation_id, **left_out, **detail},
        dedupe=f"{plan.id}:{step}",
    )
