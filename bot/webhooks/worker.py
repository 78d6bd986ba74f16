"""Works on what was received: each sender's in order, the senders beside each other, until it is done."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import structlog

from bot.runtime.keyed_tasks import KeyedTasks
from bot.store.queue_worker import QueueBounds, QueueWorker, Rounds
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
MOST = 50
"""senders whose deliveries are worked on at a time, each one's in turn: more than there are"""

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
        self._tasks = KeyedTasks[str](rounds.name, MOST, rounds.changed)
        self._worker = QueueWorker(rounds, store, QueueBounds(TRIES, LEASE), clock)

    async def work_forever(self) -> None:
        """Until it is cancelled. What was not done is done by the next process."""
        try:
            await self._worker.forever(self.look)
        finally:
            await self._tasks.stop()

    async def look(self) -> None:
        """Begins on the oldest of each sender of whom none is worked on."""
        for received in await self._store.due(self._clock(), ORDERED):
            self._tasks.start(received.sender, partial(self._work, received))

    async def _work(self, received: Received) -> None:
        if not await self._worker.lease(received):
            return
        about = {"sender": received.sender, "delivery": received.delivery}
        if why := await self._worker.work(received, partial(self._act, received), **about):
            await self._set_aside(received, why)

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
