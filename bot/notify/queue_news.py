"""What people hear who waited for their turn: as a direct message, once."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.event import Event
from bot.domain.promotion import Promotion
from bot.domain.queueing import Waiting
from bot.notify.outbox import Outbox
from bot.ports import Rendered
from bot.store.messages import Letter
from bot.views.queueing import starts_soon, turn_came, turn_missed


class DirectQueueNews:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def started(self, connection: AsyncConnection, waiting: Waiting, promotion: Promotion) -> None:
        await self._tell(connection, waiting, promotion.id, Event.STARTED, turn_came(promotion))

    async def dropped(self, connection: AsyncConnection, waiting: Waiting, sentence: str) -> None:
        subject = f"queue-{waiting.wish.context.request_id}"[:64]
        await self._tell(connection, waiting, subject, Event.FAILED, turn_missed(waiting, sentence))

    async def soon(self, connection: AsyncConnection, waiting: Waiting) -> None:
        subject = f"soon-{waiting.wish.context.request_id}"[:64]
        await self._tell(connection, waiting, subject, Event.WAITING, starts_soon(waiting))

    async def _tell(
        self, connection: AsyncConnection, waiting: Waiting, subject: str, event: Event, message: Rendered
    ) -> None:
        apps = ", ".join(waiting.wish.named_apps)
        letter = Letter(apps, waiting.wish.environment, subject, event, waiting.user, message)
        await self._outbox.put(connection, letter)
