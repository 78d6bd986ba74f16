"""Everything that commands may ask for, in memory, behind the real registry of commands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import commands
from bot.command import CommandRegistry, Runner
from bot.deliveries.application_record import ApplicationRecord, RecordedApplications
from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.caller import Caller
from bot.domain.intent import Context, Intent
from bot.domain.reply import Reply, StatusRow
from bot.evaluation.evaluator import GateEvaluator
from bot.grammar import Vocabulary
from bot.overlays.catalog import Catalog
from bot.policy import Policy, parse
from bot.ports import Applications, Clock, Directory, OverlaySource, PipelineRetries, Pipelines, RequestLog
from bot.ports import Registry as ImageRegistry
from bot.promotions.promotions import Promotions
from bot.promotions.schedule import Schedule
from bot.promotions.scheduler import Scheduler
from bot.promotions.subscribers import Subscribers
from bot.promotions.tags import Tags
from bot.queries.explanation import Explanation
from bot.queries.holds import HoldsQuery
from bot.queries.overview import OverviewQuery
from bot.queries.pipeline_holds import PipelineHolds
from bot.queries.runs import RunFollowing, RunQueries
from bot.queries.scans import Scans
from bot.queries.status import StatusQuery
from bot.queries.surroundings import Surroundings
from bot.runtime.clock import SYSTEM_CLOCK
from bot.runtime.injection import Injector, Offered, parameters
from bot.safety.syncs import SyncService
from bot.store.promotions import PromotionStore
from bot.store.queue import QueueStore
from bot.store.threads import ThreadStore
from tests.fakes.applications import MemoryApplications
from tests.fakes.directory import TEAM, FakeDirectory
from tests.fakes.gates import usual_gates
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.pipelines import MemoryPipelines
from tests.fakes.promotions import HOST, MemoryPromotions
from tests.fakes.queue import MemoryFollowing, MemoryQueue, MemorySubscribers
from tests.fakes.registry import MemoryRegistry
from tests.fakes.requests import MemoryRequestLog
from tests.fakes.words import Safety

T = TypeVar("T")
ENVIRONMENTS = ("development", "staging", "production")
RUNNING = {"development": "1.4.3", "staging": "1.4.2", "production": "1.4.1"}
POLICY = """
pipeline:
  params: {repo-url: "https://git.example.com/{app}", revision: "{revision}"}
bindings:
  - {role: engineer, groups: [engineers]}
  - {role: release-manager, groups: [release-managers]}
  - {role: viewer, users: [U0CY], apps: [my-app]}
  - {role: admin, groups: [platform-admins]}
"""


NOTHING_HOLDS = """
environments:
  - {name: development, gates: {lock: false, freeze: false}}
  - {name: staging, gates: {lock: false, freeze: false}}
  - {name: production, gates: {lock: false, freeze: false}}
"""


class Empty(Surroundings):
    """Where no words are kept, nothing lies over anything."""

    def __init__(self) -> None:
        pass

    async def around(self, rows: tuple[StatusRow, ...], caller: Caller) -> tuple[StatusRow, ...]:
        return rows


@dataclass
class CommandHarness:
    """Four apps in three environments, as the seed has them; ana, bo, mia, cy, dee and gus."""

    policy: Policy = field(default_factory=lambda: parse(POLICY))
    overlays: MemoryOverlays = field(default_factory=lambda: MemoryOverlays(seed("my-app", "payments", "ledger")))
    directory: FakeDirectory = field(default_factory=FakeDirectory.seeded)
    requests: MemoryRequestLog = field(default_factory=MemoryRequestLog)
    promotions: MemoryPromotions = field(default_factory=MemoryPromotions)
    images: MemoryRegistry = field(default_factory=MemoryRegistry)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    following: MemoryFollowing = field(default_factory=MemoryFollowing)
    subscribers: MemorySubscribers = field(default_factory=MemorySubscribers)
    pipelines: MemoryPipelines = field(default_factory=MemoryPipelines)
    applications: MemoryApplications = field(default_factory=MemoryApplications)
    records: tuple[ApplicationRecord, ...] = ()
    """without one, Argo CD is asked"""
    database_url: str = "sqlite://"
    """a file, for tests in which people's words are kept"""

    def __post_init__(self) -> None:
        self.promotions.policy = self.policy
        self.catalog = Catalog(self.overlays, self.policy)
        self.registry = CommandRegistry.load(commands)
        self.safety = Safety.over(
            self.policy, self.catalog, self.overlays, self.images, self.directory, self.database_url
        )
        for app in ("my-app", "payments", "ledger"):
            for environment, tag in RUNNING.items():
                self.images.push(f"{HOST}/{app}", tag)
                self.applications.put(healthy(app, environment))

    @property
    def services(self) -> Offered:
        return {
            Policy: self.policy,
            Clock: SYSTEM_CLOCK,
            Catalog: self.catalog,
            Directory: self.directory,
            RequestLog: self.requests,
            Promotions: self.promotions,
            Scheduler: Scheduler(self.promotions, self.queue),
            Schedule: self.schedule,
            Subscribers: self.subscribers,
            ImageRegistry: self.images,
            Pipelines: self.pipelines,
            PipelineRetries: self.pipelines,
            Applications: self.applications,
            OverlaySource: self.overlays,
            RunQueries: RunQueries(self.pipelines, self.policy),
            PipelineHolds: self.holds(),
            RunFollowing: self.following,
            Scans: Scans(self.catalog, self.images, self.policy),
            StatusQuery: self.status,
            OverviewQuery: OverviewQuery(self.status, self.surroundings),
            Explanation: Explanation(self.applications, self.applications, self.holds(), self.policy),
            SyncService: self.syncs,
            Tags: Tags(self.images),
            ThreadStore: self.safety.stores.messages.threads,
            **self.safety.services,
        }

    @property
    def kept(self) -> bool:
        """Whether people's words are kept."""
        return self.database_url != "sqlite://"

    @property
    def schedule(self) -> Schedule:
        safety, database = self.safety, self.safety.database
        return Schedule(safety.ledger, QueueStore(database), safety.audit, self.policy, PromotionStore(database))

    @property
    def status(self) -> StatusQuery:
        applications, tags = RecordedApplications(self.applications, self.records), Tags(self.images)
        return StatusQuery(self.catalog, self.policy, applications, self.overlays, self.promotions, tags)

    @property
    def surroundings(self) -> Surroundings:
        if not self.kept:
            return Empty()
        return Surroundings(self.safety.services[HoldsQuery], self.schedule, self.safety.stores.deliveries)

    @property
    def syncs(self) -> SyncService:
        applications, safety = self.applications, self.safety
        return SyncService(
            applications,
            applications,
            self.catalog,
            self.policy,
            self.promotions,
            safety.stores.locks,
            safety.stores.freezes,
            safety.stores.rejections,
            self.images,
            self.images,
            safety.ledger,
            safety.audit,
        )

    def holds(self, *, asks: bool = True) -> PipelineHolds:
        """What holds the pipeline's own write, by the gates that hold by default; nothing where no words are kept."""
        gates = usual_gates(
            self.policy,
            self.catalog,
            self.safety.database,
            source=self.overlays,
            registry=self.images,
            applications=self.applications,
            directory=self.directory,
        )
        policy = self.policy if self.kept else parse(NOTHING_HOLDS)
        return PipelineHolds(GateEvaluator(gates, policy), policy, SYSTEM_CLOCK, asks=asks)

    def make(self, part: Callable[..., T], **own: Any) -> T:
        """A part of the router, handed what is here; `own` by the names of its parameters."""
        injector = Injector({**self.services, Runner: self.registry.bind(self.services)})
        kinds = parameters(part)
        return injector.make(part, {kinds[name]: thing for name, thing in own.items()})

    async def caller(self, user: str) -> Caller:
        return await self.directory.caller(user, TEAM)

    async def read(self, line: str, context: Context | None = None) -> Intent:
        """What a typed line asks for."""
        slash, _, text = line.partition(" ")
        spoken = self.registry.find(slash, text)
        words = spoken.words(context or Context("r1", "C0DEPLOY", "c1", TEAM))
        words.vocabulary = Vocabulary(await self.catalog.apps(), self.catalog.environments)
        return spoken.parse(words)

    async def run(self, intent: Intent | str, user: str = "U0BO") -> Reply:
        """Run a command as somebody, past the service."""
        asked = await self.read(intent) if isinstance(intent, str) else intent
        return await self.registry.bind(self.services).run(asked, await self.caller(user))


def seed(*apps: str) -> dict[str, bytes]:
    return {
        f"apps/{app}/overlays/{environment}/kustomization.yaml": (
            f"images:\n- name: {HOST}/{app}\n  newTag: {tag}\n".encode()
        )
        for app in apps
        for environment, tag in RUNNING.items()
    }


def healthy(app: str, environment: str) -> Application:
    return Application(ApplicationRef(f"{app}-{environment}", environment), SyncStatus.SYNCED, HealthStatus.HEALTHY)
