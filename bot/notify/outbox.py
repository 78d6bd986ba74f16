"""The outbox: what was put in a transaction is said afterwards, at least once, in order, until it is heard.

Messages carry a key by which Slack's own history is searched before they are posted again (S3, S18), so that "at
least once" is once for the reader. A first try searches nothing: tries are counted before they are made.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import DatabaseAway, IntegrationError, NotFound, Refused, Unavailable
from bot.notify.keeper import Keeper
from bot.notify.notifiers import NONE, Notifiers
from bot.notify.patience import wait_after
from bot.notify.places import Places
from bot.ports import Messenger, Posted
from bot.store.leased_queue import DEAD
from bot.store.messages import SENT, Counts, Letter, Messages, QueuedLetter

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
KEPT = 14 * 86_400.0
TIDY = 3600.0


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
        self._tries = tries
        self._clock = clock

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
            await self._patiently(self._messages.release_all)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tidy())
                while True:
                    self._messages.changed.clear()
                    await self._patiently(self._keeper.begin)
                    if not await self._patiently(self._round):
                        await self._something_new()
        finally:
            for telling in self._telling:
                telling.cancel()
            await asyncio.gather(*self._telling, return_exceptions=True)
            await self._keeper.stop()

    async def _round(self) -> int:
        """The oldest message of each channel, side by side. Nobody waits for a notifier."""
        due = await self._messages.due(self._clock(), BATCH)
        told = [await self._begin_telling(one) for one in due if one.letter.channel in self._notifiers]
        said = (self._deliver(queued) for queued in due if queued.letter.channel not in self._notifiers)
        return sum(told) + sum(await asyncio.gather(*said))

    async def _begin_telling(self, queued: QueuedLetter) -> bool:
        if not await self._leased(queued):
            return False
        telling = asyncio.create_task(self._patiently(lambda: self._try(queued)))
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
        return await self._leased(queued) and await self._try(queued)

    async def _leased(self, queued: QueuedLetter) -> bool:
        return await self._messages.lease(queued, self._clock(), LEASE)

    async def _try(self, queued: QueuedLetter) -> bool:
        try:
            await self._say(queued.letter, first=queued.tries == 0)
        except IntegrationError as error:
            return await self._not_said(queued, error)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return await self._not_said(queued, Unavailable("Pilothouse", "say it", type(error).__name__))
        except Exception as error:
            # What breaks by itself breaks each time: those behind it go on.
            log.exception("outbox.broke", letter=queued.letter.event, promotion=queued.letter.promotion)
            return await self._not_said(queued, Refused("Pilothouse", "say it", type(error).__name__))
        await self._messages.settle(queued.id, SENT)
        return True

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

    async def _not_said(self, queued: QueuedLetter, error: IntegrationError) -> bool:
        letter = queued.letter
        about = {"promotion": letter.promotion, "letter": letter.event, "channel": letter.channel, "error": str(error)}
        if isinstance(error, Refused) or queued.tries + 1 >= self._tries:
            log.error("outbox.given_up", tries=queued.tries + 1, **about)
            await self._messages.settle(queued.id, DEAD, str(error))
            return True
        wait = wait_after(error, queued.tries)
        log.warning("outbox.not_said", again_in=round(wait), **about)
        await self._messages.again(queued.id, self._clock() + wait, str(error))
        return False

    async def _something_new(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._messages.changed.wait()
        except TimeoutError:
            return

    async def _patiently(self, work: Callable[[], Awaitable[int | None]]) -> int:
        try:
            return await work() or 0
        except DatabaseAway:
            return 0  # told where it was noticed
        except Exception:
            log.exception("outbox.round_broke")
            return 0

    async def _tidy(self) -> None:
        while True:
            await self._patiently(lambda: self._messages.forget(self._clock() - KEPT))
            await asyncio.sleep(TIDY)
