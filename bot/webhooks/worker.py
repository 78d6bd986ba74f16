"""Works on what was received: each sender's in order, the senders beside each other, until it is done."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import structlog

from bot.store.queue_worker import QueueBounds, QueueOutcome, QueueWorker, Rounds
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
        rounds = Rounds("webhooks", POLL)
        self.noted = rounds.changed
        self._worker = QueueWorker(rounds, store, QueueBounds(TRIES, LEASE), clock)

    async def work_due(self) -> int:
        """Everything that may be done now; how much was settled, or put off."""
        settled = 0
        while done := await self._round():
            settled += done
        return settled

    async def work_forever(self) -> None:
        """Until it is cancelled. What was not done is done by the next process."""
        await self._worker.forever(self._round)

    async def _round(self) -> int:
        due = await self._store.due(self._clock(), ORDERED)
        return sum(await asyncio.gather(*(self._work(received) for received in due)))

    async def _work(self, received: Received) -> bool:
        """Whether it is out of the way, so that the next one of its sender may be worked on."""
        if not await self._worker.lease(received):
            return False
        about = {"sender": received.sender, "delivery": received.delivery}
        outcome, why = await self._worker.work(received, partial(self._act, received), **about)
        if outcome is QueueOutcome.GIVEN_UP:
            await self._set_aside(received, why)
        return outcome is not QueueOutcome.LATER or received.sender not in ORDERED

    async def _act(self, received: Received) -> None:
        async with asyncio.timeout(LEASE / 2):
            if sender := self._senders.get(received.sender):
                await sender.act(received.facts)

    async def _set_aside(self, received: Received, why: str) -> None:
        """Administrators hear of what is not tried again."""
        try:
            await self._tell(received.sender, received.delivery, why)
        except Exception:
            log.exception("webhook.not_told", sender=received.sender, delivery=received.delivery)
