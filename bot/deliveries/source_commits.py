"""The source commits that a change brings, for the news of it: told once they are on record, and never waited for."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from bot.deliveries.authors import Authors
from bot.deliveries.news_recorder import told_key
from bot.domain import slack_id
from bot.domain.caller import Target
from bot.domain.delivery import Fact
from bot.domain.errors import DatabaseAway, IntegrationError
from bot.domain.source_range import CommitsFound, SourceRange, ToldCommits
from bot.runtime.remembered import forget_oldest
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore

log = structlog.get_logger(__name__)

WAITING = 50
"""deployments that wait in memory to be told; what is more, or what an earlier process left, is read from the record"""
SINCE_SECONDS = 86_400.0
AGAIN_SECONDS = 60.0
TRIES = 5
REMEMBERED = 10_000
PATIENCE_SECONDS = 10.0


class SourceCommits:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        store: NewsStore,
        record: DeliveryStore,
        authors: Authors,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._store = store
        self._record = record
        self._authors = authors
        self._patience = patience
        self._clock = clock
        self._waiting: asyncio.Queue[Fact] = asyncio.Queue(WAITING)
        self._read_at: float | None = 0.0
        """when the record is read again; None while nothing is left there"""
        self._tries: dict[str, int] = {}

    def found(self, fact: Fact) -> None:
        """The commits of a deployment are on record: the news of it says so soon."""
        try:
            self._waiting.put_nowait(fact)
        except asyncio.QueueFull:
            self._read_at = self._clock()

    async def look_forever(self) -> None:
        """Until it is cancelled. Neither Slack nor the database being away ends it."""
        while True:
            with suppress(DatabaseAway):
                await self.read()
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    fact = await self._waiting.get()
                await self._look_at(fact)

    async def read(self) -> None:
        """What is left on record, once nothing waits in memory. Raises DatabaseAway."""
        if not self._waiting.empty() or self._read_at is None or self._clock() < self._read_at:
            return
        since = datetime.fromtimestamp(self._clock() - SINCE_SECONDS, UTC)
        left = await self._record.of_kinds(("commits-found",), since)
        self._read_at = None
        for fact in left:
            if self._tries.get(fact.key, 0) < TRIES:
                self.found(fact)

    async def look(self) -> None:
        """At the next that waits."""
        await self._look_at(await self._waiting.get())

    async def _look_at(self, fact: Fact) -> None:
        self._tries[fact.key] = self._tries.pop(fact.key, 0) + 1
        forget_oldest(self._tries, REMEMBERED)
        detail = fact.detail
        assert isinstance(detail, CommitsFound)
        try:
            if detail.ranges and await self._is_untold(detail):
                brought = [await self._told(fact, detail, one) for one in detail.ranges]
                await self._tell(detail, tuple(brought))
            self._tries[fact.key] = TRIES
        except DatabaseAway:
            self._tries[fact.key] = 0
            self._read_at = self._clock() + AGAIN_SECONDS  # told where it was noticed
        except (IntegrationError, TimeoutError) as error:
            self._read_at = self._clock() + AGAIN_SECONDS
            log.info("deliveries.authors_not_known", app=fact.app, error=str(error) or "timeout")

    async def _is_untold(self, detail: CommitsFound) -> bool:
        """What a promotion brings stands on its card."""
        async with self._database.reading() as connection:
            news = await self._store.find(connection, told_key(detail.of))
        return news is not None and news.commits is None

    async def _told(self, fact: Fact, detail: CommitsFound, one: SourceRange) -> ToldCommits:
        """With the authors, by their id where Slack knows them, else by name.

        Raises IntegrationError or TimeoutError while Slack cannot say, but for the last time that it is asked.
        """
        users = await asyncio.gather(*(self._user(fact, commit.author.email) for commit in one.newest))
        named = (user or slack_id.as_name(commit.author.name) for user, commit in zip(users, one.newest, strict=True))
        alone = len(detail.ranges) == 1 and not detail.unknown
        subjects = tuple(commit.subject for commit in one.newest)
        return ToldCommits(one.total, subjects, tuple(named), () if alone else one.images)

    async def _user(self, fact: Fact, email: str) -> str:
        """The last time, whom Slack cannot name keeps no other from being named."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._authors.user(email, Target(fact.app, fact.environment))
        except DatabaseAway:
            raise
        except (IntegrationError, TimeoutError):
            if self._tries[fact.key] < TRIES:
                raise
            return ""

    async def _tell(self, detail: CommitsFound, brought: tuple[ToldCommits, ...]) -> None:
        async with self._database.begin() as connection:
            now = await self._store.find(connection, told_key(detail.of), lock=True)
            if now and now.commits is None:
                await self._store.change(connection, replace(now, commits=detail.total, brought=brought))
