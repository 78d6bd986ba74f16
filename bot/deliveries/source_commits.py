"""The source commits that a change brings, for the news of it: asked after it was told, and never waited for."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from bot.deliveries.authors import Authors
from bot.deliveries.news_recorder import NewsRecorder
from bot.domain import slack_id
from bot.domain.caller import Target
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
"""news that wait in memory to be asked for; what is more, or what an earlier process left, is read from the table"""
SINCE_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
TRIES = 5
REMEMBERED = 10_000
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
        news_recorder: NewsRecorder,
        registry: Registry,
        sources: SourceHistory | None,
        authors: Authors,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._store = store
        self._news_recorder = news_recorder
        self._registry = registry
        self._sources = sources
        self._authors = authors
        self._patience = patience
        self._clock = clock
        self._waiting: asyncio.Queue[News] = asyncio.Queue(WAITING)
        self._read_at: float | None = 0.0
        """when the table is read again; None while nothing is left there"""
        self._tries: dict[str, int] = {}

    def ask(self, news: News) -> None:
        """Soon; where one image is replaced, and nobody has said yet how many commits that is."""
        if self._sources is None or news.event is not Event.DEPLOYED or news.commits is not None:
            return
        if len(news.images) == 1 and news.images[0].before and news.images[0].after:
            try:
                self._waiting.put_nowait(news)
            except asyncio.QueueFull:
                self._read_at = self._clock()

    async def look_forever(self) -> None:
        """Until it is cancelled. Neither a system nor the database being away ends it."""
        while True:
            with suppress(DatabaseAway):
                await self.read()
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    news = await self._waiting.get()
                await self._look_at(news)

    async def read(self) -> None:
        """What is left in the table, once nothing waits in memory. Raises DatabaseAway."""
        if not self._waiting.empty() or self._read_at is None or self._clock() < self._read_at:
            return
        left = await self._store.noted(Event.DEPLOYED, self._clock() - SINCE_SECONDS)
        self._read_at = None
        for news in left:
            if self._tries.get(news.key, 0) < TRIES:
                self.ask(news)

    async def look(self) -> None:
        """At the next that waits."""
        await self._look_at(await self._waiting.get())

    async def _look_at(self, news: News) -> None:
        if len(self._tries) > REMEMBERED:
            self._tries.clear()
        self._tries[news.key] = self._tries.get(news.key, 0) + 1
        try:
            async with asyncio.timeout(self._patience):
                found = await self._between(news.images[0])
                authors = await self._named(news, found) if found else ()
            self._tries[news.key] = TRIES
            if found is not None:
                await self._tell(news, found, authors)
        except DatabaseAway:
            self._tries[news.key] = 0
            self._read_at = self._clock() + AGAIN_SECONDS  # told where it was noticed
        except (IntegrationError, TimeoutError) as error:
            self._read_at = self._clock() + AGAIN_SECONDS
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

    async def _named(self, news: News, found: Comparison) -> tuple[str, ...]:
        """For each subject its author, by their id where Slack knows them, else by name.

        Raises IntegrationError while Slack cannot say, but for the last time that it is asked.
        """
        target, newest = Target(news.app, news.environment), found.commits[:SUBJECTS]
        try:
            users = await asyncio.gather(*(self._authors.user(commit.author.email, target) for commit in newest))
        except IntegrationError:
            if self._tries[news.key] < TRIES:
                raise
            users = [""] * len(newest)
        return tuple(user or _as_name(commit.author.name) for user, commit in zip(users, newest, strict=True))

    async def _tell(self, news: News, found: Comparison, authors: tuple[str, ...]) -> None:
        subjects = tuple(commit.headline[:LONGEST] for commit in found.commits[:SUBJECTS])
        async with self._database.begin() as connection:
            now = await self._store.find(connection, news.key, lock=True)
            if now and now.commits is None:
                told = replace(now, commits=found.total, subjects=subjects, authors=authors)
                await self._store.change(connection, told)
                await self._news_recorder.promoted(connection, [news.app])  # the commit's journey says it as well


def _as_name(name: str) -> str:
    """What a commit calls its author is what its maker typed: in the form of an id it would mention somebody."""
    return name.lower() if slack_id.is_user(name) else name[:LONGEST]
