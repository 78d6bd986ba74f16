"""An Argo CD in memory: Applications, SyncWindows and ApplicationStream."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.domain.application import (
    Application,
    ApplicationRef,
    HealthStatus,
    HistoryEntry,
    Operation,
    OperationPhase,
    ResourceHealth,
    SyncPermission,
    SyncStatus,
)
from bot.domain.drift import Drift
from bot.domain.errors import NotFound, Refused
from bot.domain.overlay import OverlayImage
from bot.domain.source import OverlayBranch, Source

SYSTEM = "Argo CD"
OVERLAY_REPOSITORY = "https://git.example.com/overlays.git"
OVERLAY_BRANCH = OverlayBranch((OVERLAY_REPOSITORY,), "main")


def follows(name: str) -> tuple[Source, ...]:
    """The source that the platform's ApplicationSet gives `my-app-production`."""
    app, _, environment = name.rpartition("-")
    return (Source(OVERLAY_REPOSITORY, f"apps/{app}/overlays/{environment}", "main"),)


def images_of(entries: Iterable[OverlayImage]) -> tuple[str, ...]:
    """What `status.summary.images` says once the entries are live: as kustomize writes them."""
    return tuple(
        f"{entry.repository}{f':{entry.tag}' if entry.tag else ''}{f'@{entry.digest}' if entry.digest else ''}"
        for entry in entries
    )


@dataclass
class MemoryApplications:
    """Tests move Applications (`put`, `deploy`, `remove`), and set `failing` to break every call."""

    failing: Exception | None = None
    _apps: dict[str, Application] = field(default_factory=dict)
    _sick: dict[str, tuple[ResourceHealth, ...]] = field(default_factory=dict)
    _windows: dict[str, SyncPermission] = field(default_factory=dict)
    _heads: dict[str, str] = field(default_factory=dict)
    _listeners: list["asyncio.Queue[Application]"] = field(default_factory=list)
    _told_all: bool = False
    projects: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """project → what its annotations subscribe to"""
    drifts: dict[str, tuple[Drift, ...]] = field(default_factory=dict)
    """application name → what differs from git"""
    syncs: list[tuple[str, str]] = field(default_factory=list)
    """application name and revision of every sync that was started"""

    def put(self, application: Application) -> Application:
        """The Application as it is from now on; it follows its overlay unless it says what else."""
        application = replace(application, sources=application.sources or follows(application.ref.name))
        self._apps[application.ref.name] = application
        for listener in self._listeners:
            listener.put_nowait(application)
        return application

    def remove(self, name: str) -> None:
        gone = self._apps.pop(name)
        for listener in self._listeners:
            listener.put_nowait(replace(gone, sync=SyncStatus.UNKNOWN, health=HealthStatus.MISSING, deleted=True))

    def push(self, name: str, revision: str) -> None:
        """Git has moved; nobody has looked yet."""
        self._heads[name] = revision

    def deploy(self, name: str, revision: str, images: tuple[str, ...] | None = None) -> Application:
        """A whole sync to `revision`, down to Healthy and the reconcile after it (A19)."""
        app, now = self._apps[name], datetime.now(UTC)
        self._heads[name] = revision
        return self.put(
            replace(
                app,
                sync=SyncStatus.SYNCED,
                health=HealthStatus.HEALTHY,
                revision=revision,
                images=app.images if images is None else images,
                reconciled_at=now,
                operation=Operation(
                    OperationPhase.SUCCEEDED, "successfully synced (all tasks run)", revision, now, now
                ),
                history=(*app.history, HistoryEntry(len(app.history), revision, now)),
            )
        )

    def sicken(self, name: str, *resources: ResourceHealth) -> None:
        """The resources are not well; none makes the Application Healthy again."""
        self._sick[name] = resources
        worst = resources[0].health if resources else HealthStatus.HEALTHY
        self.put(replace(self._apps[name], health=worst))

    def close_window(self, name: str, reason: str) -> None:
        self._windows[name] = SyncPermission(False, reason)

    async def get(self, ref: ApplicationRef) -> Application:
        return replace(self._find(ref, "read"), ref=self._named(ref))

    async def list(self, environment: str) -> tuple[Application, ...]:
        self._fail()
        apps = (self._apps[name] for name in sorted(self._apps))
        return tuple(replace(app, ref=replace(app.ref, environment=environment)) for app in apps)

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """One Argo CD for all."""
        return (tuple(environments),)

    async def overview(self, environment: str) -> tuple[Application, ...]:
        """As poor as the list of an Argo CD that does not tell revisions there (A7)."""
        return tuple([_glance(app) for app in await self.list(environment)])

    async def refresh(self, ref: ApplicationRef) -> Application:
        app = self._find(ref, "refresh")
        head = self._heads.get(ref.name, app.revision)
        same = head == app.revision
        compared = replace(
            app,
            revision=head,
            sync=app.sync if same else SyncStatus.OUT_OF_SYNC,
            reconciled_at=datetime.now(UTC),
        )
        self.put(compared)
        return replace(compared, ref=self._named(ref))

    async def sync(self, ref: ApplicationRef, revision: str) -> None:
        app = self._find(ref, "sync")
        if app.operation and not app.operation.finished:
            return
        self.syncs.append((ref.name, revision))
        self.put(replace(app, operation=Operation(OperationPhase.RUNNING, revision=revision, pending=True)))

    async def terminate(self, ref: ApplicationRef) -> bool:
        app = self._find(ref, "terminate the sync of")
        if app.operation is None or app.operation.finished:
            return False
        ended = replace(app.operation, phase=OperationPhase.FAILED, message="Operation terminated", pending=False)
        self.put(replace(app, operation=ended))
        return True

    async def drift(self, ref: ApplicationRef) -> tuple[Drift, ...]:
        self._find(ref, "read the managed resources of")
        return self.drifts.get(ref.name, ())

    async def unhealthy(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...]:
        self._find(ref, "read the resources of")
        return self._sick.get(ref.name, ())

    async def permission(self, ref: ApplicationRef) -> SyncPermission:
        self._find(ref, "read the sync windows of")
        return self._windows.get(ref.name, SyncPermission(True))

    async def subscribed(self, environment: str, project: str) -> tuple[tuple[str, str], ...]:
        self._fail()
        if project not in self.projects:
            raise Refused(SYSTEM, f"read the project {project}", "HTTP 403")
        return self.projects[project]

    async def changes(self, environment: str) -> AsyncIterator[Application]:
        heard: asyncio.Queue[Application] = asyncio.Queue()
        self._listeners.append(heard)
        try:
            for app in await self.list(environment):
                yield app
            self._told_all = True
            while True:
                app = await heard.get()
                yield replace(app, ref=replace(app.ref, environment=environment))
        finally:
            self._listeners.remove(heard)
            self._told_all = False

    def silence(self, environment: str) -> float:
        return 0.0 if self._listeners else math.inf

    def current(self, environment: str) -> bool:
        return self._told_all and bool(self._listeners)

    def _fail(self) -> None:
        if self.failing:
            raise self.failing

    def _find(self, ref: ApplicationRef, operation: str) -> Application:
        self._fail()
        if ref.name not in self._apps:
            raise NotFound(SYSTEM, f"{operation} {ref.name}", "HTTP 404")
        return self._apps[ref.name]

    def _named(self, ref: ApplicationRef) -> ApplicationRef:
        return replace(self._apps[ref.name].ref, environment=ref.environment)


def _glance(app: Application) -> Application:
    operation = Operation(app.operation.phase) if app.operation else None
    return Application(
        app.ref,
        app.sync,
        app.health,
        health_message=app.health_message,
        operation=operation,
        images=app.images,
        url=app.url,
    )
