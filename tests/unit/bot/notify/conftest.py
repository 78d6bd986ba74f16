"""A database file, a workspace in memory, and a process that can be started again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain.event import Event
from bot.domain.promotion import Promotion
from bot.notify import Announcer, Cards, Outbox
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.permalinks import Permalinks
from bot.policy import Policy, parse
from bot.store.database import Database
from bot.store.delivery_news import NewsStore
from bot.store.messages import Messages
from bot.store.mutes import MuteStore
from bot.store.reviews import ReviewStore
from tests.fakes.databases import create_tables
from tests.fakes.messenger import FakeMessenger

PATIENCE = 0.05
"""seconds: what is in memory answers at once, or never"""
POLICY = """\
bindings:
  - role: release-manager
    groups: [S0RELEASE, "@release-managers"]
    users: [U0MIA]
channels:
  routes:
    - channel: C0GENERAL
      environments: [production]
    - channel: C0INC
      events: [failed]
    - channel: C0DEPLOY
"""


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Process:
    """One life of the bot, on the same database and in the same workspace as the lives before it."""

    database: Database
    messages: Messages
    cards: Cards
    outbox: Outbox
    announcer: Announcer

    async def tell(self, promotion: Promotion, event: Event) -> None:
        async with self.database.begin() as connection:
            await self.announcer.put(connection, promotion, event)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def messenger() -> FakeMessenger:
    return FakeMessenger()


@pytest.fixture
def policy() -> Policy:
    return parse(POLICY)


Start = Callable[[], Awaitable[Process]]


@pytest.fixture
async def start(tmp_path: Path, messenger: FakeMessenger, policy: Policy, clock: Clock) -> AsyncIterator[Start]:
    opened: list[Database] = []

    async def process() -> Process:
        database = Database(f"sqlite:///{tmp_path}/pilothouse.db")
        opened.append(database)
        await create_tables(database)
        messages = Messages(database)
        box = Outbox(messages, messenger, clock=clock)
        links = Permalinks(messages.threads, messenger, patience=PATIENCE, clock=clock)
        journeys = JourneyLinks(NewsStore(database), links)
        copies = Copies(messages.threads, messenger, links, MuteStore(database), policy, journeys, clock=clock)
        cards = Cards(messages, messenger, policy, copies, journeys, ReviewStore(database), clock=clock)
        return Process(database, messages, cards, box, Announcer(box, policy))

    yield process
    for database in opened:
        await database.close()


@pytest.fixture
async def bot(start: Start) -> Process:
    return await start()
