"""Tells people the news: who is to hear of each, and in which message. The outbox brings the messages to Slack.

The first news is told at once; what follows of one kind for one environment within 30 s shares its message, which is
edited. Every step is written down before the next, so a process that dies in between leaves nothing untold.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import structlog

from bot.deliveries.journey_service import JourneyService
from bot.deliveries.lookups import Lookups
from bot.deliveries.recipients import Recipients, RecipientService
from bot.domain import slack_id
from bot.domain.caller import Target, common
from bot.domain.delivery import News
from bot.domain.errors import DatabaseAway
from bot.domain.event import Event
from bot.domain.journey import FOLLOWED
from bot.notify.audience import Listeners
from bot.notify.messages import Bulletins
from bot.ports import Rendered
from bot.store.delivery_news import Addressed, NewsBundle, NewsStore, Noted
from bot.views.news import bundle as shown

log = structlog.get_logger(__name__)

POLL_SECONDS = 5.0
"""between two looks where nobody says that there is something: another replica may have died before it told"""
KEPT = 31 * 86_400.0
"""seconds in which a message may still be edited; a day more than a journey is told on for"""
TIDY = 3600.0
TOGETHER = 30.0
"""seconds from a message's first news in which others join it"""
MOST = 150
"""in one message, so that it names them all"""
LATE_TOGETHER = 600.0
BATCH = 2000
TOLD_AT_ONCE = 100
MESSAGES = 50
MOST_ASKING = 500
JOURNEY = "journey:"
"""their bundles begin with it"""


class NewsService:
    """`added` is set when there may be news; `clock` counts seconds since the epoch."""

    def __init__(
        self,
        store: NewsStore,
        bulletins: Bulletins,
        added: asyncio.Event,
        journeys: JourneyService,
        listeners: Listeners,
        recipients: RecipientService,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._bulletins = bulletins
        self._added = added
        self._journeys = journeys
        self._listeners = listeners
        self._recipients = recipients
        self._clock = clock
        self._showing: Lookups[tuple[str, str], bool] = Lookups(added, clock)

    async def tell_forever(self) -> None:
        """Until it is cancelled; whatever breaks is logged, and tried again in the next round."""
        try:
            await self._tell_forever()
        finally:
            await self._recipients.close()
            await self._showing.close()

    async def _tell_forever(self) -> None:
        tidied = 0.0
        while True:
            self._added.clear()
            try:
                await self.tell()
                if self._clock() - tidied > TIDY:
                    await self.tidy()
                    tidied = self._clock()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception:
                log.exception("deliveries.news_not_told")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._added.wait()

    async def tidy(self) -> None:
        """Forgets what is old. A journey that goes on says first that it is no longer told. Raises DatabaseAway."""
        now = self._clock()
        await self._store.forget(now - KEPT, unless_open=Event.JOURNEY)
        at = datetime.fromtimestamp(now, UTC)
        while await self._store.end_old(Event.JOURNEY, now - FOLLOWED.total_seconds(), at):
            pass

    async def tell(self) -> int:
        """One round; how many messages are to be posted or edited. Raises DatabaseAway."""
        self._journeys.look_again()
        if new := await self._unaddressed():
            bundling, recipients = Bundling(self._store), await self._recipients.of(new)
            for start in range(0, len(recipients), TOLD_AT_ONCE):
                some = recipients[start : start + TOLD_AT_ONCE]
                await self._store.address([await self._addressed(one, bundling) for one in some])
                self._recipients.noted(some)
                await self._show_news()
        return await self._show_news() + await self._show_asking()

    async def _unaddressed(self) -> list[Noted]:
        found: list[Noted] = []
        while page := await self._store.unaddressed(BATCH, found[-1].id if found else 0):
            found += page
            if len(page) < BATCH:
                break
        return found

    async def _show_news(self) -> int:
        """In channels."""
        behind = await self._store.stale(MESSAGES, without=JOURNEY, to_people=False)
        return sum([await self._show(one) for one in behind])

    async def _show_asking(self) -> int:
        """Journeys and direct messages, each of which asks who may see it: side by side, and those that are slow or
        cannot be shown hold up no other.
        """
        behind = [*await self._store.stale(MOST_ASKING, only=JOURNEY)]
        behind += await self._store.stale(MOST_ASKING, without=JOURNEY, to_people=True)
        self._journeys.look_again()  # what was read before may lack what these versions stand for
        return len(await self._showing.answers({(one.id, one.channel): partial(self._show, one) for one in behind}))

    async def _show(self, bundle: NewsBundle) -> bool:
        """Raises IntegrationError where it has to wait, since nobody can say whether a person may see it."""
        journey = bundle.items[0].event is Event.JOURNEY
        message = await self._journeys.show(bundle) if journey else await self._shown(bundle)
        if message:
            await self._bulletins.note(bundle.id, bundle.channel, message, common(map(_target, bundle.items)))
        await self._store.shown(bundle)
        return True

    async def _shown(self, bundle: NewsBundle) -> Rendered | None:
        """None where there is nothing that may be told there now: rights may have gone since it was addressed."""
        if not slack_id.is_user(bundle.channel):
            return shown(bundle.items)
        seen = await self._listeners.seen(bundle.channel, bundle.items)
        return shown(seen, personal=True) if seen else None

    async def _addressed(self, one: Recipients, bundling: "Bundling") -> Addressed:
        told = one.told
        if one.complete and not one.channels:
            log.info("deliveries.nobody_to_tell", news=told.event, app=told.app, environment=told.environment)
        bundles = {channel: await bundling.of(one.noted, channel) for channel in one.channels}
        return Addressed(one.noted.id, bundles, told.user, one.noted.version, one.complete)


class Bundling:
    """Which message a piece of news goes into: the last of its kind there, while that is young and has room.

    The journey of a commit has a message of its own.
    """

    def __init__(self, store: NewsStore) -> None:
        self._store = store
        self._open: dict[tuple[str, str], tuple[str, int, float]] = {}

    async def of(self, noted: Noted, channel: str) -> str:
        news = noted.news
        if news.event is Event.JOURNEY:
            return f"{JOURNEY}{_hashed(news.key)[:40]}"
        kind = "late" if news.late else f"{news.event}:{news.environment}"
        prefix = f"news:{_hashed(kind)[:12]}:"
        since = noted.noted_at - (LATE_TOGETHER if news.late else TOGETHER)
        if (prefix, channel) not in self._open:
            self._open[prefix, channel] = await self._store.room(prefix, channel, since - TOGETHER)
        bundle, size, begun = self._open[prefix, channel]
        if not bundle or size >= MOST or begun < since:
            bundle, size, begun = f"{prefix}{_hashed(f'{channel} {news.key}')[:32]}", 0, noted.noted_at
        self._open[prefix, channel] = bundle, size + 1, begun
        return bundle


def _target(news: News) -> Target:
    return Target(news.app, news.environment)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
