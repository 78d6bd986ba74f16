"""Works on what was received: each sender's in order, the senders beside each other, until it is done."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import structlog
from sqlalchemy.exc import DataError, SQLAlchemyError

from bot.domain.errors import DatabaseAway, IntegrationError, Refused, Unavailable
from bot.notify.patience import wait_after
from bot.store.leased_queue import DEAD, DONE
from bot.store.webhooks import Received, WebhookStore
from bot.webhooks.sender import Sender

log = structlog.get_logger()
ORDERED = ("alertmanager",)
"""senders whose messages change what earlier ones said: an alert begins and ends"""
TRIES = 12
"""with the waits between them, something is given up after about half an hour"""
LEASE = 120.0
"""seconds for which a delivery belongs to the replica that works on it"""
POLL = 2.0
"""seconds between two looks where nobody says that there is something"""
KEPT = 14 * 86_400.0
TIDY = 3600.0


Tell = Callable[[str, str, str], Awaitable[object]]
"""called with the sender, the delivery and the reason of what is set aside"""


async def nobody_is_told(sender: str, delivery: str, why: str) -> None:
    """The log has it."""


class Worker:
    """`clock` counts seconds since the epoch. Set `noted` when something has come."""

    def __init__(
        self,
        store: WebhookStore,
        senders: Iterable[Sender],
        tell: Tell = nobody_is_told,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._senders = {sender.name: sender for sender in senders}
        self._tell = tell
        self._clock = clock
        self.noted = asyncio.Event()

    async def work_due(self) -> int:
        """Everything that may be done now; how much was settled, or put off."""
        settled = 0
        while done := await self._round():
            settled += done
        return settled

    async def work_forever(self) -> None:
        """Until it is cancelled. What was not done is done by the next process."""
        tidied = 0.0
        await self._patiently(self._store.release_all)
        while True:
            self.noted.clear()
            if self._clock() - tidied > TIDY:
                await self._patiently(lambda: self._store.forget(self._clock() - KEPT))
                tidied = self._clock()
            if not await self._patiently(self._round):
                await self._something_new()

    async def _round(self) -> int:
        due = await self._store.due(self._clock(), ORDERED)
        return sum(await asyncio.gather(*(self._work(received) for received in due)))

    async def _work(self, received: Received) -> bool:
        """Whether it is out of the way, so that the next one of its sender may be worked on."""
        sender = self._senders.get(received.sender)
        if not await self._store.lease(received, self._clock(), LEASE):
            return False
        try:
            async with asyncio.timeout(LEASE / 2):
                if sender is not None:
                    await sender.act(received.facts)
        except IntegrationError as error:
            return await self._failed(received, error)
        except DataError:  # no column takes it, now or later
            log.exception("webhook.broke", sender=received.sender, delivery=received.delivery)
            return await self._set_aside(received, "the database takes no such value")
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return await self._failed(received, Unavailable("Pilothouse", "work on it", type(error).__name__))
        except Exception as error:
            log.exception("webhook.broke", sender=received.sender, delivery=received.delivery)
            return await self._set_aside(received, type(error).__name__)
        await self._store.settle(received.id, DONE)
        return True

    async def _failed(self, received: Received, error: IntegrationError) -> bool:
        about = {"sender": received.sender, "delivery": received.delivery, "error": str(error)}
        if isinstance(error, Refused) or received.tries + 1 >= TRIES:
            log.error("webhook.given_up", tries=received.tries + 1, **about)
            return await self._set_aside(received, str(error))
        wait = wait_after(error, received.tries)
        log.warning("webhook.not_worked_on", again_in=round(wait), **about)
        await self._store.again(received.id, self._clock() + wait, str(error))
        return received.sender not in ORDERED

    async def _set_aside(self, received: Received, why: str) -> bool:
        """What cannot be worked on is not tried again, and told to administrators; those behind it go on."""
        await self._store.settle(received.id, DEAD, why)
        try:
            await self._tell(received.sender, received.delivery, why)
        except Exception:
            log.exception("webhook.not_told", sender=received.sender, delivery=received.delivery)
        return True

    async def _something_new(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self.noted.wait()
        except TimeoutError:
            return

    async def _patiently(self, work: Callable[[], Awaitable[int | None]]) -> int:
        try:
            return await work() or 0
        except DatabaseAway:
            return 0  # told where it was noticed
        except Exception:
            log.exception("webhook.round_broke")
            return 0
