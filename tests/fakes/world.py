"""The core with working fakes around it: everything but Slack's wire and the other systems'."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.caller import Caller
from bot.domain.event import Event
from bot.domain.intent import Abort, Approve, Context, Deploy, Reject, Rollback
from bot.domain.promotion import Promotion
from bot.evaluation.panel import Panel
from bot.gates.soak import SoakGate
from bot.notify.copies import Copies
from bot.notify.reminders import Reminders
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.overlays.kustomization import read_images
from bot.policy import Policy, parse
from bot.ports import Posted
from bot.promotions.approvers import Approvers
from bot.promotions.committer import Committer
from bot.promotions.delegates import Delegates
from bot.promotions.eligibility import Eligibility
from bot.promotions.follow_up import FollowUps
from bot.promotions.follower import Follower
from bot.promotions.planner import Planner
from bot.promotions.pull_requests import PullRequestSteps
from bot.promotions.record import Record
from bot.promotions.rollback_targets import RollbackTargets
from bot.promotions.synced import SyncHistory
from bot.promotions.tags import Tags
from bot.promotions.watcher import Watcher
from bot.store.audit import Audit
from bot.store.database import Database, metadata
from bot.store.delegations import DelegationStore
from bot.store.locks import LockStore
from bot.store.messages import Messages
from bot.store.mutes import MuteStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from bot.workflow.orphans import Orphans
from bot.workflow.service import PromotionService
from bot.workflow.steps import Steps
from bot.workflow.story import Story
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.applications import MemoryApplications, images_of
from tests.fakes.directory import FakeDirectory
from tests.fakes.engine import MemoryEngine
from tests.fakes.gates import usual_gates
from tests.fakes.messenger import FakeMessenger
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.registry import MemoryRegistry

HARBOR = "harbor.example.com/apps"
POLICY = """
channels: {default: C0DEPLOY}
bindings:
  - {role: engineer, groups: [engineers]}
  - {role: release-manager, groups: [release-managers]}
  - {role: viewer, users: [U0CY]}
  - {role: admin, groups: [platform-admins]}
"""


@dataclass
class ShownCards:
    """Every state that a card showed, and who was asked in person, by promotion."""

    shown: dict[str, list[Promotion]] = field(default_factory=dict)
    asked: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)

    async def show(self, promotion: Promotion) -> Posted:
        self.shown.setdefault(promotion.id, []).append(promotion)
        return Posted(promotion.plan.channel, f"card of {promotion.id}")

    async def ask(self, promotion: Promotion, people: Iterable[Caller]) -> None:
        self.asked.setdefault(promotion.id, []).append(tuple(caller.person.name for caller in people))


@dataclass
class ToldEvents:
    told: list[tuple[str, Event]] = field(default_factory=list)

    async def put(self, connection: AsyncConnection, promotion: Promotion, event: Event) -> None:
        if (promotion.id, event) not in self.told:
            self.told.append((promotion.id, event))


class FollowingApplications(MemoryApplications):
    """An Argo CD that syncs an Application as soon as it is told to look at it."""

    overlays: MemoryOverlays
    obeys: bool = True

    async def refresh(self, ref: ApplicationRef) -> Application:
        if self.obeys:
            head = await self.overlays.head()
            return self.deploy(ref.name, head, await pinned(self.overlays, ref, head))
        return await super().refresh(ref)


async def pinned(overlays: MemoryOverlays, ref: ApplicationRef, at: str) -> tuple[str, ...]:
    """What runs once a commit is synced, as a Pod names it."""
    where = path(ref.environment, ref.name.removesuffix(f"-{ref.environment}"))
    contents = await overlays.read([where], at)
    return images_of(read_images(contents[where], where)) if where in contents else ()


@dataclass
class House:
    service: PromotionService
    engine: MemoryEngine
    overlays: MemoryOverlays
    registry: MemoryRegistry
    applications: FollowingApplications
    directory: FakeDirectory
    messenger: FakeMessenger
    cards: ShownCards
    events: ToldEvents
    store: PromotionStore
    audit: Audit
    database: Database
    locks: LockStore
    reviews: ReviewStore
    alerts: MemoryAlerts
    delegations: DelegationStore
    steps: Steps
    _requests: int = 0

    def context(self, request_id: str = "") -> Context:
        self._requests += 1
        return Context(request_id or f"r{self._requests}", "C0GENERAL", "corr-1", "T0PILOT")

    async def person(self, name: str) -> Caller:
        return await self.directory.caller(f"U0{name.upper()}", "T0PILOT")

    async def deploy(self, who: str = "ana", image: str = "", app: str = "my-app", to: str = "production") -> Promotion:
        ask = Deploy(context=self.context(), app=app, environment=to, image=image)
        promotion = await self.service.deploy(ask, await self.person(who))
        await self.engine.settle()
        return promotion

    async def shown(self, ask: Deploy, who: str) -> Deploy:
        """The wish to break the glass, as the button asks it that was shown."""
        plan = await self.service.planner.deploy(ask, (await self.person(who)).person)
        return replace(ask, shown=plan.glass_hash)

    async def rollback(self, who: str = "ana", to: str = "") -> Promotion:
        ask = Rollback(context=self.context(), app="my-app", environment="production", to=to)
        promotion = await self.service.rollback(ask, await self.person(who))
        await self.engine.settle()
        return promotion

    async def approve(self, who: str, promotion: Promotion, content_hash: str = "") -> None:
        seen = content_hash or (await self.now(promotion)).content_hash
        ask = Approve(context=self.context(), promotion=promotion.id, content_hash=seen)
        await self.service.approve(ask, await self.person(who))
        await self.engine.settle()

    async def reject(self, who: str, promotion: Promotion, reason: str) -> None:
        ask = Reject(
            context=self.context(),
            promotion=promotion.id,
            content_hash=(await self.now(promotion)).content_hash,
            reason=reason,
        )
        await self.service.reject(ask, await self.person(who))
        await self.engine.settle()

    async def abort(self, who: str, promotion: Promotion) -> None:
        await self.service.abort(Abort(context=self.context(), promotion=promotion.id), await self.person(who))
        await self.engine.settle()

    async def now(self, promotion: Promotion) -> Promotion:
        return await self.service.get(promotion.id)

    def overlay(self, environment: str, app: str = "my-app") -> str:
        where = path(environment, app)
        return self.overlays._tree(self.overlays.log[-1].sha)[where].decode()

    def promotion_commits(self) -> list[str]:
        return [c.trailer("Promotion-Id") for c in self.overlays.log if c.trailer("Promotion-Id")]


def path(environment: str, app: str = "my-app") -> str:
    return f"apps/{app}/overlays/{environment}/kustomization.yaml"


def kustomization(tag: str, app: str = "my-app") -> bytes:
    return f"resources: [../../base]\nimages:\n- name: {HARBOR}/{app}\n  newTag: {tag} # ours\n".encode()


@asynccontextmanager
async def house(directory: Path, policy_text: str = POLICY) -> AsyncIterator[House]:
    """my-app runs v1.4.2 in staging and v1.4.1 in production; both images are scanned and clean."""
    policy: Policy = parse(policy_text)
    tags = {"development": "v1.4.3", "staging": "v1.4.2", "production": "v1.4.1"}
    overlays = MemoryOverlays({path(e): kustomization(t) for e, t in tags.items()})
    registry = MemoryRegistry()
    for tag in ("v1.4.0", "v1.4.1", "v1.4.2", "v1.4.3"):
        artifact = registry.push(f"{HARBOR}/my-app", tag, revision=f"rev-{tag}")
        registry.finish_scan(artifact.image)
    applications = FollowingApplications()
    applications.overlays = overlays
    for environment in tags:
        ref = ApplicationRef(f"my-app-{environment}", environment)
        head = await overlays.head()
        images = await pinned(overlays, ref, head)
        applications.put(Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, head, images=images, auto_sync=True))
    people, messenger = FakeDirectory.seeded(), FakeMessenger()
    database = Database(f"sqlite:///{directory / 'pilothouse.db'}")
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    store, audit = PromotionStore(database), Audit(database)
    cards, events, engine = ShownCards(), ToldEvents(), MemoryEngine()
    catalog = Catalog(overlays, policy, clock=lambda: datetime.now(UTC).timestamp() * 1e6)
    gates = usual_gates(
        policy, catalog, database, source=overlays, registry=registry, applications=applications, directory=people
    )
    soak = SoakGate(applications, catalog, ImageLocations(catalog, overlays, registry, store), policy)
    panel = Panel([*gates, soak], policy)
    history = SyncHistory(applications, overlays, policy)
    targets = RollbackTargets(overlays, catalog, store, Tags(registry), history)
    delegations = DelegationStore(database)
    eligibility = Eligibility(policy, Delegates(delegations, policy, people))
    planner = Planner(catalog, registry, policy, panel, targets)
    locks, reviews, alerts = LockStore(database), ReviewStore(database), MemoryAlerts()
    committer = Committer(overlays, overlays, registry)
    messages = Messages(database)
    copies = Copies(messages, messenger, MuteStore(database), policy, clock=lambda: engine.now.timestamp())
    steps = Steps(
        record=Record(database, store, audit, events),
        cards=cards,
        reminders=Reminders(messenger, messenger, messages, copies, policy, clock=lambda: engine.now.timestamp()),
        approvers=Approvers(policy, people, eligibility),
        directory=people,
        policy=policy,
        panel=panel,
        eligibility=eligibility,
        committer=committer,
        follower=Follower(applications, overlays, interval=0.001),
        watcher=Watcher(applications, alerts, 15, clock=lambda: engine.now, sleep=engine.rest),
        follow_ups=FollowUps(planner, store, locks, reviews, policy, asyncio.Event()),
        pull_requests=PullRequestSteps(overlays, committer, overlays, lambda promotion: f"body of {promotion.id}"),
        clock=lambda: engine.now,
    )
    engine.story = Story(steps, policy)
    orphans = Orphans(steps, engine)
    service = PromotionService(database, store, audit, engine, planner, targets, panel, policy, eligibility, orphans)
    try:
        yield House(
            service, engine, overlays, registry, applications, people, messenger, cards, events, store, audit, database,
            locks, reviews, alerts, delegations, steps,
        )  # fmt: skip
    finally:
        await engine.stop()
        await database.close()
