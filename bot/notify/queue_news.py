"""What people hear who waited for their turn: as a direct message, once."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.event import Event
from bot.domain.intent import IfBusy
from bot.domain.promotion import Phase, Plan, Promotion, Stage
from bot.domain.queueing import Waiting
from bot.domain.reply import OlderAsked, Unhindered
from bot.notify.outbox import Outbox
from bot.ports import Rendered
from bot.store.outbox import OutboxEntry
from bot.views.older import older_asked
from bot.views.queueing import starts_soon, turn_came, turn_missed, unhindered, why_now


class DirectQueueNews:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def started(self, connection: AsyncConnection, waiting: Waiting, promotion: Promotion) -> None:
        await self._tell(connection, waiting, promotion.id, Event.STARTED, turn_came(promotion, waiting.wish))

    async def dropped(self, connection: AsyncConnection, waiting: Waiting, sentence: str) -> None:
        subject = f"queue-{waiting.wish.context.request_id}"[:64]
        await self._tell(connection, waiting, subject, Event.FAILED, turn_missed(waiting, sentence))

    async def older(self, connection: AsyncConnection, waiting: Waiting, plan: Plan) -> None:
        """The press asks for the same at once; it queues again where something is under way by then."""
        if_busy = IfBusy.QUEUE if waiting.wish.if_busy is IfBusy.REPLACE else waiting.wish.if_busy
        wish = replace(waiting.wish, at="", start_at=None, if_busy=if_busy)
        asked = OlderAsked(Promotion(plan, Phase.PENDING, Stage.GATES), wish)
        subject = f"older-{waiting.wish.context.request_id}"[:64]
        message = older_asked(asked, f"{why_now(waiting.wish)}, and nothing has started yet.")
        await self._tell(connection, waiting, subject, Event.FAILED, message)

    async def unhindered(self, connection: AsyncConnection, waiting: Waiting, promotion: Promotion) -> None:
        subject = f"open-{waiting.wish.context.request_id}"[:64]
        await self._tell(connection, waiting, subject, Event.WAITING, unhindered(Unhindered(promotion, waiting.wish)))

    async def soon(self, connection: AsyncConnection, waiting: Waiting) -> None:
        subject = f"soon-{waiting.wish.context.request_id}"[:64]
        await self._tell(connection, waiting, subject, Event.WAITING, starts_soon(waiting))

    async def _tell(
        self, connection: AsyncConnection, waiting: Waiting, subject: str, event: Event, message: Rendered
    ) -> None:
        wish = waiting.wish
        entry = OutboxEntry(wish.named_apps, wish.environment, subject, event, waiting.user, message)
        await self._outbox.put(connection, entry)
