"""The application controller: one worker for each application, woken by git, by webhooks and by the API."""

import asyncio
import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from integrations.sandbox.argocd import autosync, operations, pace
from integrations.sandbox.argocd.applicationset import generate
from integrations.sandbox.argocd.cluster import State
from integrations.sandbox.argocd.comparison import compare
from integrations.sandbox.argocd.desired import ComparisonFailed, Desired
from integrations.sandbox.argocd.status import write_compared
from integrations.sandbox.argocd.store import Application, Store, qualified_name
from integrations.sandbox.argocd.troubles import Troubles
from integrations.sandbox.argocd.worker import Worker
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.git import GitServer, Push

_PATHS = "argocd.argoproj.io/manifest-generate-paths"


class Controller:
    """`image_exists` says whether a registry has an image; without it every image can be pulled."""

    def __init__(
        self,
        git: GitServer,
        store: Store,
        clock: Clock,
        faults: FaultSettings | None = None,
        image_exists: Callable[[str], bool] | None = None,
    ) -> None:
        self._store, self._clock, self._image_exists = store, clock, image_exists
        self.desired = Desired(git)
        self._troubles = Troubles(faults)
        self._workers: dict[str, Worker] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._sets: list[dict[str, Any]] = []
        self._group: asyncio.TaskGroup | None = None
        self._pushed = asyncio.Event()
        git.on_push(self._on_push)

    async def load(self, manifests: Iterable[Application]) -> None:
        """Take AppProjects, Applications and ApplicationSets in. Raises ValueError for another kind."""
        for manifest in manifests:
            kind = manifest.get("kind")
            if kind == "AppProject":
                self._store.add_project(manifest)
            elif kind == "Application":
                self._adopt(manifest)
            elif kind == "ApplicationSet":
                self._sets.append(manifest)
            else:
                raise ValueError(f"{kind}: expected an AppProject, an Application or an ApplicationSet")
        await self.generate()

    async def generate(self) -> None:
        """Bring the applications of the ApplicationSets in line with the repository."""
        if not self._sets:
            return
        paths = await self.desired.paths()
        for applicationset in self._sets:
            made = {qualified_name(one): one for one in generate(applicationset, paths)}
            for manifest in made.values():
                self._adopt(manifest)
            for name in self._owned_by(applicationset) - set(made):
                self.delete(name)

    async def start_synced(self) -> None:
        """Begin as after a quiet night: everything synced at the present head, and Healthy."""
        for name in list(self._store.applications):
            await self._sync_at_once(name)

    async def run(self) -> None:
        """Until cancelled. An error in a worker ends it, loudly."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for name in list(self._workers):
                    self._start(name)
                while True:
                    await self._pushed.wait()
                    self._pushed.clear()
                    await self.generate()
        finally:
            self._group = None
            self._running.clear()

    def worker(self, name: str) -> Worker:
        return self._workers[name]

    def delete(self, name: str) -> None:
        self._workers.pop(name)
        if task := self._running.pop(name, None):
            task.cancel()
        self._store.delete(name)

    def webhook(self, changed: Iterable[str]) -> None:
        """A push was announced: refresh at once whom it concerns, by the paths annotation (A26)."""
        files = list(changed)
        for name, worker in self._workers.items():
            if not files or _concerned(self._store.applications[name], files):
                worker.refresh()

    def _on_push(self, push: Push) -> None:
        if push.ref == "refs/heads/main":
            self._pushed.set()
            if self._troubles.now.webhooks_lost:
                return
            for number, worker in enumerate(self._workers.values()):
                worker.refresh(after=pace.DETECT + number // pace.AT_ONCE * pace.TURN)

    def _adopt(self, manifest: Application) -> None:
        before = self._store.resource_version
        name = self._store.add(manifest)
        if name not in self._workers:
            self._workers[name] = Worker(name, self._store, self.desired, self._clock, self._outcome, self._troubles)
            self._start(name)
        if self._store.resource_version != before:
            self._workers[name].refresh()

    def _start(self, name: str) -> None:
        if self._group is not None:
            self._running[name] = self._group.create_task(self._workers[name].run())

    def _owned_by(self, applicationset: dict[str, Any]) -> set[str]:
        wanted = applicationset["metadata"]["name"]
        return {
            name
            for name, application in self._store.applications.items()
            if any(owner["name"] == wanted for owner in application["metadata"].get("ownerReferences", []))
        }

    def _outcome(self, name: str, images: list[str], proven: bool) -> State:
        if self._image_exists and not all(self._image_exists(image) for image in images):
            return "ImagePullBackOff"
        if not proven and self._troubles.cannot_be_pulled(images):
            return "ImagePullBackOff"
        unhealthy = name in self._troubles.now.unhealthy_rollout
        return "CrashLoopBackOff" if unhealthy and not proven else "ready"

    async def _sync_at_once(self, name: str) -> None:
        application, live = self._store.applications[name], self._store.live[name]
        source = application["spec"]["source"]
        try:
            revision = await self.desired.revision(source.get("targetRevision", "HEAD"))
            targets = await self.desired.manifests(application, source, revision)
        except ComparisonFailed:
            return  # the first reconcile says why
        operation = {"sync": {"revision": revision}, "initiatedBy": {"automated": True}}
        with self._store.edit(name) as application:
            now = self._clock.now()
            autosync.request_operation(application, operation)
            operations.begin(application, now)
            resources = operations.apply(operation, live, targets, now)
            for workload in live.workloads.values():
                workload.settle("ready")
            live.settling.clear()
            result = {"revision": revision, "source": source, "resources": resources}
            operations.finish(application, "Succeeded", operations.SUCCEEDED, now, result)
            self._store.targets[name] = targets
            write_compared(application, live, revision, compare(targets, live), now)


def _concerned(application: Application, changed: list[str]) -> bool:
    """Whether a changed file is below one of the annotation's paths; without the annotation every file concerns."""
    annotation = application["metadata"].get("annotations", {}).get(_PATHS)
    if annotation is None:
        return True
    base = application["spec"]["source"].get("path", ".")
    for entry in filter(None, annotation.split(";")):
        path = entry.lstrip("/") if entry.startswith("/") else posixpath.normpath(posixpath.join(base, entry))
        if any(file == path or file.startswith(f"{path}/") for file in changed):
            return True
    return False
