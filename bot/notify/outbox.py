"""The outbox: what was put in a transaction is said afterwards, at least once, in order, until it is heard.

Messages carry a key by which Slack's own history is searched before they are posted again (S3, S18), so that "at
least once" is once for the reader. A first try searches nothing: tries are counted before they are made.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import NotFound, Unavailable
from bot.notify.keeper import Keeper
from bot.notify.notifiers import NONE, Notifiers
from bot.notify.places import Places
from bot.ports import Messenger, Posted
from bot.store.messages import SENT, Counts, Letter, Messages, QueuedLetter
from bot.store.queue_worker import QueueBounds, QueueOutcome, QueueWorker, Rounds

log = structlog.get_logger()
TRIES = 20
"""with the waits between them, a message is given up after about an hour"""
LEASE = 45.0
"""seconds for which a message belongs to the replica that tries it: longer than any try takes"""
POLL = 1.0
"""seconds between two looks where nobody says that there is something"""
AFTER_PUT = 0.03
"""seconds that a put's transaction is given to commit before the outbox is looked into"""
BATCH = 50


class Outbox:
    """`clock` counts seconds since the epoch; after `tries` a message is dead, and counted as such."""

    def __init__(
        self,
        messages: Messages,
        messenger: Messenger,
        notifiers: Notifiers = NONE,
        *,
        tries: int = TRIES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._messages = messages
        self._messenger = messenger
        self._notifiers = notifiers
        self._telling: set[asyncio.Task[int]] = set()
        self._keeper = Keeper(messages, Places(messages, messenger), clock)
        self._clock = clock
        self._rounds = Rounds("messages", POLL, messages.changed)
        self._worker = QueueWorker(self._rounds, messages, QueueBounds(tries, LEASE), clock, SENT)

    async def put(self, connection: AsyncConnection, letter: Letter) -> bool:
        """In the caller's transaction: said if, and only if, it commits. False when the same was put before."""
        put = await self._messages.put(connection, letter, self._clock())
        asyncio.get_running_loop().call_later(AFTER_PUT, self._messages.changed.set)
        return put

    async def notify(self, connection: AsyncConnection, letter: Letter, apps: tuple[str, ...]) -> None:
        """In the caller's transaction, for every notifier, whatever the policy's routes say."""
        for each in self._notifiers.letters(letter, apps):
            await self.put(connection, each)

    async def counts(self) -> Counts:
        """For metrics."""
        return await self._messages.counts()

    async def deliver_due(self) -> int:
        """Everything that may be said now, cards included; how much was settled."""
        said = 0
        while done := await self._keeper.fix() + await self._round() + await self._notified():
            said += done
        return said

    async def deliver_forever(self) -> None:
        """Says what there is to say, until it is cancelled. Neither Slack nor the database being away ends it."""
        try:
            await self._worker.forever(self._cards_and_letters)
        finally:
            for telling in self._telling:
                telling.cancel()
            await asyncio.gather(*self._telling, return_exceptions=True)
            await self._keeper.stop()

    async def _cards_and_letters(self) -> int:
        await self._rounds.patiently(self._keeper.begin)
        return await self._round()

    async def _round(self) -> int:
        """The oldest message of each channel, side by side. Nobody waits for a notifier."""
        due = await self._messages.due(self._clock(), BATCH)
        told = [await self._begin_telling(one) for one in due if one.letter.channel in self._notifiers]
        said = (self._deliver(queued) for queued in due if queued.letter.channel not in self._notifiers)
        return sum(told) + sum(await asyncio.gather(*said))

    async def _begin_telling(self, queued: QueuedLetter) -> bool:
        if not await self._worker.lease(queued):
            return False
        telling = asyncio.create_task(self._rounds.patiently(lambda: self._try(queued)))
        self._telling.add(telling)
        telling.add_done_callback(self._told)
        return True

    def _told(self, telling: asyncio.Task[int]) -> None:
        self._telling.discard(telling)
        self._messages.changed.set()  # what is behind it may go

    async def _notified(self) -> int:
        """Once the notifiers that are being told have heard; how many did."""
        return sum(await asyncio.gather(*self._telling))

    async def _deliver(self, queued: QueuedLetter) -> bool:
        """Whether it is settled, so that the next one of its channel may be tried."""
        return await self._worker.lease(queued) and await self._try(queued)

    async def _try(self, queued: QueuedLetter) -> bool:
        letter = queued.letter
        say = partial(self._say, letter, first=queued.tries == 0)
        about = {"promotion": letter.promotion, "letter": letter.event, "channel": letter.channel}
        outcome, _ = await self._worker.work(queued, say, **about)
        return outcome is not QueueOutcome.LATER

    async def _say(self, letter: Letter, *, first: bool) -> None:
        if letter.channel in self._notifiers:
            await self._notifiers.tell(letter)
            return
        thread = await self._messages.thread(letter.promotion, letter.channel)
        place = thread.place if thread else None
        if place is None and letter.threaded:
            raise Unavailable("Slack", "chat.postMessage", "the card is not posted yet")
        posted = await self._post(letter, place, first=first)
        if place is None:
            await self._messages.placed(letter.promotion, letter.channel, posted, about=letter.about)

    async def _post(self, letter: Letter, place: Posted | None, *, first: bool) -> Posted:
        if place is not None:
            try:
                return await self._messenger.post(
                    place.channel,
                    letter.message,
                    thread=place.ts,
                    broadcast=letter.broadcast,
                    key=letter.key,
                    first=first,
                )
            except NotFound:
                log.info("outbox.thread_is_gone", promotion=letter.promotion, channel=letter.channel)
        return await self._messenger.post(letter.channel, letter.message, key=letter.key, first=first)
