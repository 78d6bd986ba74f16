"""Facts go in, messages come out: the delivery record on a database, without observers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.deliveries.authors import Authors
from bot.deliveries.fix_counter import FixCounter
from bot.deliveries.journey_service import JourneyService
from bot.deliveries.news_recorder import NewsRecorder
from bot.deliveries.news_service import NewsService
from bot.deliveries.recipients import RecipientService
from bot.deliveries.recorder import Recorder
from bot.deliveries.source_commits import SourceCommits
from bot.deliveries.source_observer import SourceObserver
from bot.domain.delivery import (
    FIXED_WITHIN,
    Cause,
    Committed,
    Detail,
    Fact,
    HealthChanged,
    ImageChange,
    Judged,
)
from bot.domain.event import Event
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Progress
from bot.notify.audience import Listeners, by_name
from bot.notify.channels import ChannelIds
from bot.notify.messages import Bulletins
from bot.notify.outbox import Outbox
from bot.notify.permalinks import Permalinks
from bot.policy import Policy, parse
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.messages import Messages
from bot.store.promotions import PromotionStore
from bot.store.subscriptions import SubscriptionStore
from tests.fakes.directory import FakeDirectory
from tests.fakes.messenger import FakeMessage, FakeMessenger
from tests.fakes.queues import delivered
from tests.fakes.registry import MemoryRegistry
from tests.fakes.sources import MemorySources

POLICY = """
bindings: [{role: viewer, groups: [engineers, release-managers]}]
channels:
  default: C0DEPLOY
  routes:
    - {channel: C0ALL, apps: [routed]}
    - {channel: C0DEV, apps: [watched], events: [deployed]}
apps:
  payments: {channel: C0PAY}
"""
ANA = Author("Ana Ng", "ana@example.com")
IMAGE = ImageChange(OverlayImage("x", "h/x", "v1"), OverlayImage("x", "h/x", "v2"))
DAY = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()


@dataclass
class DeliveryHarness:
    """Facts go in, messages come out; time passes only where a test says so."""

    database: Database
    now: float = DAY
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    directory: FakeDirectory = field(default_factory=FakeDirectory.seeded)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    sources: MemorySources = field(default_factory=MemorySources)
    policy: Policy = field(default_factory=lambda: parse(POLICY))
    channels: ChannelIds = field(default_factory=ChannelIds)
    overlays_in: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """app → environments, where somebody has looked"""
    patience: float = 30.0
    """seconds of the real clock for what is asked of others: all of it answers here, however busy the machine is"""

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        clock = lambda: self.now  # noqa: E731
        messages, store = Messages(self.database), NewsStore(self.database)
        promotions = PromotionStore(self.database)
        self.news_recorder = NewsRecorder(store, promotions, clock, self._runs_told)
        self.recorder = Recorder(self.database, DeliveryStore(self.database), self.news_recorder, clock)
        bulletins = Bulletins(messages, self.messenger, clock=clock)
        self.outbox = Outbox(messages, self.messenger, clock=clock)
        added = self.recorder.listen()
        authors = Authors(self.policy, self.directory)
        record = DeliveryStore(self.database)
        self.commits = SourceCommits(self.database, store, record, authors, self.patience, clock)
        self.looks_up = SourceObserver(
            self.registry, self.sources, record, self.recorder, self.commits.found, FixCounter(record, FIXED_WITHIN),
            self.moment, self.patience,
        )  # fmt: skip
        journeys = JourneyService(
            self.policy, self.database, DeliveryStore(self.database), promotions, store, self.directory, self.outbox,
            Permalinks(messages.threads, self.messenger), lambda app: self.overlays_in.get(app, ()), clock=clock,
        )  # fmt: skip
        self.subscriptions = SubscriptionStore(self.database)
        listeners = Listeners(self.subscriptions, self.policy, self.directory)
        recipients = RecipientService(self.policy, authors, self.channels, journeys, listeners, added, clock)
        self.service = NewsService(store, bulletins, added, journeys, listeners, recipients, clock=clock)
        for lookups in (self.service._showing, *(each.lookups for each in recipients._all)):
            lookups._patience = self.patience

    def _runs_told(self, app: str) -> str:
        first = self.policy.environments[0].name
        return first if by_name(self.policy, [app], first, Event.PIPELINE_ENDED) else ""

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def fact(
        self, key: str, detail: Detail, app: str = "my-app", environment: str = "production", ago: float = 0
    ) -> Fact:
        return Fact(f"{key}:{environment}:{app}", datetime.fromtimestamp(self.now - ago, UTC), app, environment, detail)

    def commit(self, app: str = "my-app", environment: str = "production", ago: float = 0, **more: object) -> Fact:
        known = {"sha": "abcdef1234", "author": ANA, "subject": "Hotfix", "cause": Cause.GIT, "images": (IMAGE,)}
        detail = Committed(**{**known, "overlay": "k.yaml", **more})  # type: ignore[arg-type]
        return self.fact(f"git:{detail.sha}", detail, app, environment, ago)

    def verdict(self, progress: Progress, why: str = "", app: str = "my-app", environment: str = "production") -> Fact:
        return self.fact(f"judged:{progress}", Judged("abcdef1234", progress, why), app, environment)

    def health(self, key: str, *, healthy: bool = False, app: str = "my-app", ago: float = 0) -> Fact:
        words = ("Healthy", "", "") if healthy else ("Degraded", "Deployment x", "it crashes")
        return self.fact(key, HealthChanged(healthy, *words), app, ago=ago)

    async def takes(self, *facts: Fact) -> None:
        await self.recorder.record(facts)
        await self.tell()

    async def looks_up_commits(self) -> None:
        """Of every deployment that is due, and the news of it says so."""
        await self.looks_up.read()
        while await self.looks_up.look():
            pass
        await self.commits.read()
        while not self.commits._waiting.empty():
            await self.commits.look()
            await self.commits.read()
        await self.tell()

    async def tell(self) -> None:
        while await self.service.tell():
            pass
        await delivered(self.outbox)

    def heard(self, channel: str) -> list[FakeMessage]:
        return self.messenger.in_channel(channel)

    def texts(self, channel: str) -> list[str]:
        return [str(message.shown.blocks) for message in self.heard(channel)]
