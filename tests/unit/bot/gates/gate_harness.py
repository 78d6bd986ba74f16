"""One app on its way from staging to production, and all that gates may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.caller import Person
from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import ApprovalRule, Kind, Move, Plan
from bot.evaluation.question import Question
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy, parse
from tests.fakes.applications import MemoryApplications
from tests.fakes.directory import FakeDirectory
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.promotions import MemoryRecord
from tests.fakes.registry import MemoryRegistry
from tests.fakes.safety import MemorySafety

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)  # a Monday
REPOSITORY = "harbor.example.com/apps/my-app"
ANA = Person("U0ANA", "ana", "ana@example.com")
BO = Person("U0BO", "bo", "bo@example.com")
RUNNING = {"development": "v1.4.3", "staging": "v1.4.2", "production": "v1.4.1"}
POLICY = """
bindings:
  - {role: engineer, groups: [engineers]}
  - {role: release-manager, groups: [release-managers]}
"""


def overlay(environment: str) -> str:
    return f"apps/my-app/overlays/{environment}/kustomization.yaml"


def kustomization(tag: str) -> bytes:
    return f"images:\n- name: {REPOSITORY}\n  newTag: {tag}\n".encode()


@dataclass
class GateHarness:
    """my-app runs v1.4.3 in development, v1.4.2 in staging, v1.4.1 in production."""

    policy: Policy = field(default_factory=lambda: parse(POLICY))
    overlays: MemoryOverlays = field(
        default_factory=lambda: MemoryOverlays({overlay(e): kustomization(tag) for e, tag in RUNNING.items()})
    )
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    applications: MemoryApplications = field(default_factory=MemoryApplications)
    record: MemoryRecord = field(default_factory=MemoryRecord)
    safety: MemorySafety = field(default_factory=MemorySafety)
    directory: FakeDirectory = field(default_factory=FakeDirectory.seeded)

    def __post_init__(self) -> None:
        for tag in ("v1.4.0", *RUNNING.values()):
            self.registry.push(REPOSITORY, tag)
        self.catalog = Catalog(self.overlays, self.policy, clock=_always_later())
        self.image_locations = ImageLocations(self.catalog, self.overlays, self.registry, self.record)
        for environment in RUNNING:
            self.put(environment)

    def put(self, environment: str, **facts: Any) -> Application:
        name = f"my-app-{environment}"
        ref, revision = ApplicationRef(name, environment), self.overlays.log[-1].sha
        images = (f"{REPOSITORY}:{RUNNING[environment]}",)
        application = Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, revision, images=images)
        return self.applications.put(replace(application, **facts))

    async def image(self, tag: str) -> Image:
        return (await self.registry.artifact(REPOSITORY, tag)).image

    async def question(self, tag: str = "v1.4.2", options: Mapping[str, Any] | None = None, **facts: Any) -> Question:
        """May my-app's image go to production? `facts` are of the plan."""
        environment = facts.setdefault("environment", "production")
        move = Move(
            app="my-app",
            overlay=overlay(environment),
            before=OverlayImage(REPOSITORY, REPOSITORY, RUNNING[environment]),
            after=await self.image(tag),
            application=ApplicationRef(f"my-app-{environment}", environment),
        )
        plan = Plan(
            **{
                "id": "p-1",
                "kind": Kind.PROMOTION,
                "source": "staging",
                "moves": (move,),
                "requester": ANA,
                "channel": "C0DEPLOY",
                "requested_at": NOW,
                "gates": (),
                "approval": ApprovalRule(),
                "seen_commit": "c" * 40,
                **facts,
            }
        )
        return Question(plan, "my-app", (move,), NOW, options or {})


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def _always_later() -> Any:
    """A clock by which no listing is ever fresh."""
    ticks = iter(range(0, 10**9, 1000))
    return lambda: float(next(ticks))
