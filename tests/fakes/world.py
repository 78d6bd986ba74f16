"""The core with working fakes around it: everything but Slack's wire and the other systems'."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app.core import Core, Timing
from bot.app.stores import Stores
from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.caller import Caller
from bot.domain.event import Event
from bot.domain.image import Image
from bot.domain.intent import Abort, Approve, Context, Deploy, Reject, Rollback
from bot.domain.promotion import Promotion
from bot.notify.announcer import Announcer
from bot.notify.cards import Cards
from bot.overlays.kustomization import read_images
from bot.policy import Policy, parse
from bot.ports import Posted
from bot.promotions import approvers
from bot.promotions.promotions import OlderImage
from bot.runtime.clock import Seconds
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.delegations import DelegationStore
from bot.store.locks import LockStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from bot.workflow.service import PromotionService
from bot.workflow.steps import Steps
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.applications import MemoryApplications, images_of
from tests.fakes.databases import create_tables
from tests.fakes.directory import FakeDirectory
from tests.fakes.engine import MemoryEngine
from tests.fakes.messenger import FakeMessenger
from tests.fakes.outside import memory_outside
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.registry import MemoryRegistry

approvers.PATIENCE_SECONDS = 30.0  # everybody answers here: how busy the machine is must not say who is asked
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

    def listen(self, cards: Cards) -> None:
        show, ask = cards.show, cards.ask

        async def shown(promotion: Promotion) -> Posted:
            self.shown.setdefault(promotion.id, []).append(promotion)
            return await show(promotion)

        async def asked(promotion: Promotion, people: Iterable[Caller]) -> None:
            whom = tuple(people)
            self.asked.setdefault(promotion.id, []).append(tuple(caller.person.name for caller in whom))
            await ask(promotion, whom)

        cards.show, cards.ask = shown, asked  # type: ignore[method-assign]


@dataclass
class ToldEvents:
    told: list[tuple[str, Event]] = field(default_factory=list)

    def listen(self, announcer: Announcer) -> None:
        put = announcer.put

        async def told(connection: AsyncConnection, promotion: Promotion, event: Event) -> None:
            if (promotion.id, event) not in self.told:
                self.told.append((promotion.id, event))
            await put(connection, promotion, event)

        announcer.put = told  # type: ignore[method-assign]


@dataclass
class VirtualClock:
    """The engine's time, which tests let pass, and the real time beside it: what looks every few milliseconds goes on
    by itself, and comes to its deadline.
    """

    engine: MemoryEngine
    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.engine.now + timedelta(seconds=time.monotonic() - self.began)

    async def sleep(self, seconds: float) -> None:
        await (asyncio.sleep(seconds) if seconds < 1 else self.engine.rest(seconds))


class FollowingApplications(MemoryApplications):
    """An Argo CD that syncs an Application as soon as it is told to look at it."""

    overlays: MemoryOverlays
    obeys: bool = True

    def __init__(self, overlays: MemoryOverlays) -> None:
        super().__init__()
        self.overlays = overlays
        self._beside: dict[str, tuple[str, ...]] = {}

    async def refresh(self, ref: ApplicationRef) -> Application:
        if self.obeys:
            head = await self.overlays.head()
            images = (*await pinned(self.overlays, ref, head), *self._beside.get(ref.name, ()))
            return self.deploy(ref.name, head, images)
        return await super().refresh(ref)

    async def see(self, name: str, *images: Image) -> None:
        """Pods of these images are seen beside what is pinned, from now on."""
        self._beside[name] = (*self._beside.get(name, ()), *map(str, images))
        known = self._apps[name]
        self.put(replace(known, images=(*known.images, *map(str, images))))


async def pinned(overlays: MemoryOverlays, ref: ApplicationRef, at: str) -> tuple[str, ...]:
    """What runs once a commit is synced, as a Pod names it."""
    where = path(ref.environment, ref.name.removesuffix(f"-{ref.environment}"))
    contents = await overlays.read([where], at)
    return images_of(read_images(contents[where], where)) if where in contents else ()


@dataclass(repr=False)  # a task that ends with it would show all of it to the event loop, after each test
class CoreWorld:
    core: Core[MemoryEngine]
    overlays: MemoryOverlays
    registry: MemoryRegistry
    applications: FollowingApplications
    directory: FakeDirectory
    messenger: FakeMessenger
    cards: ShownCards
    events: ToldEvents
    alerts: MemoryAlerts
    _requests: int = 0

    @property
    def service(self) -> PromotionService:
        return self.core.service

    @property
    def engine(self) -> MemoryEngine:
        return self.core.engine

    @property
    def steps(self) -> Steps:
        return self.core.steps

    @property
    def store(self) -> PromotionStore:
        return self.core.stores.promotions

    @property
    def audit(self) -> Audit:
        return self.core.stores.audit

    @property
    def database(self) -> Database:
        return self.core.stores.database

    @property
    def locks(self) -> LockStore:
        return self.core.stores.locks

    @property
    def reviews(self) -> ReviewStore:
        return self.core.stores.reviews

    @property
    def delegations(self) -> DelegationStore:
        return self.core.stores.delegations

    def context(self, request_id: str = "") -> Context:
        self._requests += 1
        return Context(request_id or f"r{self._requests}", "C0GENERAL", "corr-1", "T0PILOT")

    async def person(self, name: str) -> Caller:
        return await self.directory.caller(f"U0{name.upper()}", "T0PILOT")

    async def deploy(self, who: str = "ana", image: str = "", app: str = "my-app", to: str = "production") -> Promotion:
        """By somebody who presses where they are asked whether they mean an older image."""
        ask, caller = Deploy(context=self.context(), app=app, environment=to, image=image), await self.person(who)
        try:
            promotion = await self.service.start(ask, caller)
        except OlderImage as older:
            promotion = await self.service.start(replace(ask, older=older.plan.glass_hash), caller)
        await self.engine.settle()
        return promotion

    async def shown(self, ask: Deploy, who: str) -> Deploy:
        """The wish to break the glass, as the button asks it that was shown."""
        plan = await self.service.planner.plan(ask, (await self.person(who)).person, tuple)
        return replace(ask, shown=plan.glass_hash)

    async def rollback(self, who: str = "ana", to: str = "") -> Promotion:
        ask = Rollback(context=self.context(), app="my-app", environment="production", to=to)
        promotion = await self.service.start(ask, await self.person(who))
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

    async def seen(self, *images: Image, app: str = "my-app", environment: str = "staging") -> None:
        """Pods of these images are seen there, too."""
        await self.applications.see(f"{app}-{environment}", *images)

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
async def core_world(
    directory: Path, policy_text: str = POLICY, *, slack: Callable[[Seconds], Mapping[str, Any]] | None = None
) -> AsyncIterator[CoreWorld]:
    """my-app runs v1.4.2 in staging and v1.4.1 in production; all images are scanned and clean, and Pods of all of them
    are seen in staging, so that each may be named for production. `slack` makes other ports to Slack, with the engine's
    time: those of `Outside`.
    """
    policy: Policy = parse(policy_text)
    tags = {"development": "v1.4.3", "staging": "v1.4.2", "production": "v1.4.1"}
    overlays = MemoryOverlays({path(e): kustomization(t) for e, t in tags.items()})
    registry = MemoryRegistry()
    others = []
    for tag in ("v1.4.0", "v1.4.1", "v1.4.2", "v1.4.3"):
        artifact = registry.push(f"{HARBOR}/my-app", tag, revision=f"rev-{tag}")
        registry.finish_scan(artifact.image)
        others.append(artifact.image)
    applications = FollowingApplications(overlays)
    for environment in tags:
        ref = ApplicationRef(f"my-app-{environment}", environment)
        head = await overlays.head()
        images = await pinned(overlays, ref, head)
        applications.put(Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, head, images=images, auto_sync=True))
    await applications.see("my-app-staging", *others)
    database = Database(f"sqlite:///{directory / 'pilothouse.db'}")
    await create_tables(database)
    engine, messenger, alerts = MemoryEngine(), FakeMessenger(), MemoryAlerts()
    people = FakeDirectory.seeded()
    spoken = slack(lambda: engine.now.timestamp()) if slack else {"directory": people, "messenger": messenger}
    outside = replace(
        memory_outside(),
        applications=applications,
        registry=registry,
        contents=registry,
        pulls=registry,
        overlays=overlays,
        pull_requests=overlays,
        alerts=alerts,
        **spoken,
    )
    pace = Timing(follow=0.001, watch=15, listing=0)
    clock = VirtualClock(engine)
    made = Core(policy, outside, Stores.of(database, clock), clock, engine.telling, pace)
    cards, events = ShownCards(), ToldEvents()
    cards.listen(made.cards)
    events.listen(made.announcer)
    try:
        yield CoreWorld(made, overlays, registry, applications, people, messenger, cards, events, alerts)
    finally:
        await engine.stop()
        await database.close()
