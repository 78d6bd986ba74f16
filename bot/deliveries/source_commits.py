"""The source commits that a change brings, for the news of it: asked after it was told, and never waited for."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import structlog

from bot.deliveries.newsroom import Newsroom
from bot.domain.delivery import ImageChange, News
from bot.domain.errors import DatabaseAway, IntegrationError
from bot.domain.event import Event
from bot.domain.overlay import OverlayImage
from bot.domain.source import same_repository
from bot.ports import Comparison, Registry, SourceHistory
from bot.store.database import Database
from bot.store.delivery_news import NewsStore

log = structlog.get_logger(__name__)

WAITING = 50
"""news that wait to be asked for; of more, nothing is said"""
PATIENCE_SECONDS = 10.0
SUBJECTS = 3
LONGEST = 120
"""characters of a subject that are kept"""


class SourceCommits:
    """`sources` is None where no source host is configured: then nothing is asked, and nothing is said."""

    def __init__(
        self,
        database: Database,
        store: NewsStore,
        newsroom: Newsroom,
        registry: Registry,
        sources: SourceHistory | None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._database = database
        self._store = store
        self._newsroom = newsroom
        self._registry = registry
        self._sources = sources
        self._patience = patience
        self._waiting: asyncio.Queue[News] = asyncio.Queue(WAITING)

    def ask(self, news: News) -> None:
        """Soon; where one image is replaced, and nobody has said yet how many commits that is."""
        if self._sources is None or news.event is not Event.DEPLOYED or news.commits is not None:
            return
        if len(news.images) == 1 and news.images[0].before and news.images[0].after:
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait(news)

    async def look_forever(self) -> None:
        """Until it is cancelled. Neither a system nor the database being away ends it."""
        while True:
            await self.look()

    async def look(self) -> None:
        """At the next that waits."""
        news = await self._waiting.get()
        try:
            async with asyncio.timeout(self._patience):
                found = await self._between(news.images[0])
            if found is not None:
                await self._tell(news, found)
        except DatabaseAway:
            return  # told where it was noticed
        except (IntegrationError, TimeoutError) as error:
            log.info("deliveries.commits_not_known", app=news.app, error=str(error) or "timeout")

    async def _between(self, change: ImageChange) -> Comparison | None:
        """By the revisions that the images' own labels name; None where they name none, or two repositories."""
        if self._sources is None or change.before is None or change.after is None:
            return None
        before, after = await asyncio.gather(self._revision(change.before), self._revision(change.after))
        known = before[1] and after[1] and before[1] != after[1] and before[0] and after[0]
        if not known or not same_repository(before[0], after[0]):
            return None
        return await self._sources.compare(after[0], before[1], after[1])

    async def _revision(self, entry: OverlayImage) -> tuple[str, str]:
        """URL of the source repository, and commit."""
        artifact = await self._registry.artifact(entry.repository, entry.digest or entry.tag)
        return artifact.source, artifact.revision

    async def _tell(self, news: News, found: Comparison) -> None:
        subjects = tuple(commit.headline[:LONGEST] for commit in found.commits[:SUBJECTS])
        async with self._database.begin() as connection:
            now = await self._store.find(connection, news.key, lock=True)
            if now and now.commits is None:
                await self._store.change(connection, replace(now, commits=found.total, subjects=subjects))
                await self._newsroom.promoted(connection, [news.app])  # the commit's journey says it as well
