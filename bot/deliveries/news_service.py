"""Tells people the news: who is to hear of each, and in which message. The outbox brings the messages to Slack.

The first news is told at once; what follows of one kind for one environment within 30 s shares its message, which is
edited. Every step is written down before the next, so a process that dies in between leaves nothing untold.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from bot.deliveries.journey_service import JourneyService
from bot.deliveries.source_commits import SourceCommits
from bot.domain import slack_id
from bot.domain.caller import Permission, Target, common
from bot.domain.delivery import News
from bot.domain.errors import DatabaseAway, IntegrationError, NotFound
from bot.domain.event import Event
from bot.notify.audience import Audience, Listeners, of_change, told_to_the_author
from bot.notify.bulletins import Bulletins
from bot.notify.channels import ChannelIds
from bot.policy import Policy, may
from bot.ports import Directory, Rendered
from bot.store.delivery_news import Addressed, NewsBundle, NewsStore, Noted
from bot.views.news import bundle as shown

log = structlog.get_logger(__name__)

POLL_SECONDS = 5.0
"""between two looks where nobody says that there is something: another replica may have died before it told"""
KEPT = 30 * 86_400.0
"""seconds in which a message may still be edited"""
TIDY = 3600.0
TOGETHER = 30.0
"""seconds from a message's first news in which others join it"""
MOST = 150
"""in one message, so that it names them all"""
LATE_TOGETHER = 600.0
BATCH = 2000
MESSAGES = 50


class NewsService:
    """`added` is set when there may be news; `clock` counts seconds since the epoch."""

    def __init__(
        self,
        policy: Policy,
        store: NewsStore,
        bulletins: Bulletins,
        directory: Directory,
        channels: ChannelIds,
        added: asyncio.Event,
        journeys: JourneyService,
        listeners: Listeners,
        commits: SourceCommits,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._policy = policy
        self._store = store
        self._bulletins = bulletins
        self._directory = directory
        self._channels = channels
        self._added = added
        self._journeys = journeys
        self._commits = commits
        self._listeners = listeners
        self._clock = clock

    async def tell_forever(self) -> None:
        """Until it is cancelled; whatever breaks is logged, and tried again in the next round."""
        tidied = 0.0
        while True:
            self._added.clear()
            try:
                await self.tell()
                if self._clock() - tidied > TIDY:
                    await self._store.forget(self._clock() - KEPT)
                    tidied = self._clock()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception:
                log.exception("deliveries.news_not_told")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._added.wait()

    async def tell(self) -> int:
        """One round; how many messages are to be posted or edited. Raises DatabaseAway."""
        self._journeys.look_again()
        if new := await self._store.unaddressed(BATCH):
            bundling, audience = Bundling(self._store), await self._listeners.now(self._clock())
            found = [await self._addressed_if_known(noted, bundling, audience) for noted in new]
            await self._store.address([one for one in found if one])
        return sum([await self._show(one) for one in await self._store.stale(MESSAGES)])

    async def _show(self, bundle: NewsBundle) -> bool:
        """False where it has to wait."""
        message: Rendered | None
        try:
            journey = bundle.items[0].event is Event.JOURNEY
            message = await self._journeys.show(bundle) if journey else self._shown(bundle)
        except IntegrationError as error:
            log.info("deliveries.journey_not_shown", error=str(error))
            return False
        if message:
            await self._bulletins.note(bundle.id, bundle.channel, message, common(map(_target, bundle.items)))
        await self._store.shown(bundle)
        if len(bundle.items) == 1:
            self._commits.ask(bundle.items[0])
        return True

    def _shown(self, bundle: NewsBundle) -> Rendered:
        return shown(bundle.items, personal=slack_id.is_user(bundle.channel))

    async def _addressed_if_known(self, noted: Noted, bundling: "Bundling", audience: Audience) -> Addressed | None:
        """None where Slack cannot say who subscribers are: then it is asked again in the next round."""
        try:
            return await self._addressed(noted, bundling, audience)
        except DatabaseAway:
            raise
        except IntegrationError as error:
            log.info("deliveries.subscribers_not_looked_up", error=str(error))
            return None

    async def _addressed(self, noted: Noted, bundling: "Bundling", audience: Audience) -> Addressed:
        journey = noted.news.event is Event.JOURNEY
        told = await self._with_author(await self._journeys.authored(noted.news) if journey else noted.news)
        channels = [self._channels.of(channel) for channel in of_change(self._policy, told)]
        if told.user and told_to_the_author(self._policy, told):
            channels.append(told.user)
        known = {self._channels.of(each) for each in told.heard}
        channels += [one for one in map(self._channels.of, await audience.of(told)) if one not in known]
        channels = await audience.awake(channels, told)
        if not channels:
            log.info("deliveries.nobody_to_tell", news=told.event, app=told.app, environment=told.environment)
            self._commits.ask(told)  # for the journey
        bundles = {channel: await bundling.of(noted, channel) for channel in dict.fromkeys(channels)}
        return Addressed(noted.id, bundles, told.user, noted.version)

    async def _with_author(self, news: News) -> News:
        """Only who may view the app is told of it, or named: an address in a commit is what its maker typed."""
        if not news.email:
            return news
        try:
            caller = await self._directory.by_email(news.email)
        except NotFound:
            return news
        except IntegrationError as error:
            log.info("deliveries.author_not_looked_up", error=str(error))
            return news
        allowed = may(self._policy, caller, Permission.VIEW, Target(news.app, news.environment))
        return replace(news, user=caller.id) if allowed and not caller.foreign else news


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
            return f"journey:{_hashed(news.key)[:40]}"
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
