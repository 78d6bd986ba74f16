"""The outbox: what was put in a transaction is said afterwards, at least once, in order, until it is heard.

Messages carry a key by which Slack's own history is searched before they are posted again (S3, S18), so that "at
least once" is once for the reader. A first try searches nothing: tries are counted before they are made.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import NotFound, Unavailable
from bot.notify.messages import MessageUpdater, Places
from bot.notify.notifiers import NONE, Notifiers
from bot.ports import Messenger, Posted
from bot.runtime.keyed_tasks import KeyedTasks
from bot.store.messages import Messages
from bot.store.outbox import SENT, Counts, OutboxEntry, QueuedEntry
from bot.store.queue_worker import QueueBounds, QueueWorker, Rounds

log = structlog.get_logger()
MayHear = Callable[[OutboxEntry], Awaitable[bool]]
TRIES = 20
"""with the waits between them, a message is given up after about an hour"""
LEASE = 45.0
"""seconds for which a message belongs to the replica that tries it: longer than any try takes"""
POLL = 1.0
"""seconds between two looks where nobody says that there is something"""
AFTER_PUT = 0.03
"""seconds that a put's transaction is given to commit before the outbox is looked into"""
MOST = 100
"""channels and notifiers that are spoken to at a time, each with one message: who is slow holds up nobody else"""


class Outbox:
    """`clock` counts seconds since the epoch; after `tries` a message is dead, and counted as such.

    `may_hear` is asked when a message is told, not when it was put: rights may have gone meanwhile.
    """

    def __init__(
        self,
        messages: Messages,
        messenger: Messenger,
        notifiers: Notifiers = NONE,
        *,
        tries: int = TRIES,
        clock: Callable[[], float] = time.time,
        may_hear: MayHear | None = None,
    ) -> None:
        self._messages = messages
        self._messenger = messenger
        self._notifiers = notifiers
        self._may_hear = may_hear
        self._keeper = MessageUpdater(messages, Places(messages, messenger), clock)
        self._clock = clock
        self._rounds = Rounds("messages", POLL, messages.changed)
        self._tasks = KeyedTasks[str]("messages", MOST, messages.changed)
        self._worker = QueueWorker(self._rounds, messages.outbox, QueueBounds(tries, LEASE), clock, SENT)

    async def put(self, connection: AsyncConnection, entry: OutboxEntry) -> bool:
        """In the caller's transaction: said if, and only if, it commits. False when the same was put before."""
        put = await self._messages.outbox.put(connection, entry, self._clock())
        asyncio.get_running_loop().call_later(AFTER_PUT, self._messages.changed.set)
        return put

    async def notify(self, connection: AsyncConnection, entry: OutboxEntry) -> None:
        """In the caller's transaction, for every notifier, whatever the policy's routes say."""
        for each in self._notifiers.entries(entry):
            await self.put(connection, each)

    async def counts(self) -> Counts:
        """For metrics."""
        return await self._messages.outbox.counts()

    async def deliver_forever(self) -> None:
        """Says what there is to say, until it is cancelled. Neither Slack nor the database being away ends it."""
        try:
            await self._worker.forever(self.look)
        finally:
            await asyncio.gather(self._tasks.stop(), self._keeper.stop())

    async def look(self) -> None:
        """Begins on every card, and on the oldest entry of every channel that has none on its way."""
        await self._rounds.patiently(self._keeper.begin)
        if free := self._tasks.free:
            for queued in await self._messages.outbox.due(self._clock(), free, tuple(self._tasks.busy)):
                self._tasks.start(queued.entry.channel, partial(self._deliver, queued))

    async def _deliver(self, queued: QueuedEntry) -> None:
        if await self._worker.lease(queued):
            await self._try(queued)

    async def _try(self, queued: QueuedEntry) -> None:
        entry = queued.entry
        say = partial(self._say, entry, first=queued.tries == 0)
        about = {"promotion": entry.promotion, "letter": entry.event, "channel": entry.channel}
        await self._worker.work(queued, say, **about)

    async def _say(self, entry: OutboxEntry, *, first: bool) -> None:
        if entry.channel in self._notifiers:
            await self._notifiers.tell(entry)
            return
        if self._may_hear and not await self._may_hear(entry):
            log.info("outbox.not_for_them", promotion=entry.promotion, channel=entry.channel)
            return
        thread = await self._messages.threads.thread(entry.promotion, entry.channel)
        place = thread.place if thread else None
        if place is None and entry.threaded:
            raise Unavailable("Slack", "chat.postMessage", "the card is not posted yet")
        posted = await self._post(entry, place, first=first)
        if place is None:
            await self._messages.threads.placed(entry.promotion, entry.channel, posted, about=entry.about)

    async def _post(self, entry: OutboxEntry, place: Posted | None, *, first: bool) -> Posted:
        if place is not None:
            try:
                return await self._messenger.post(
                    place.channel,
                    entry.message,
                    thread=place.ts,
                    broadcast=entry.broadcast,
                    key=entry.key,
                    first=first,
                )
            except NotFound:
                log.info("outbox.thread_is_gone", promotion=entry.promotion, channel=entry.channel)
        return await self._messenger.post(entry.channel, entry.message, key=entry.key, first=first)
