"""One application's controller: it compares, syncs by itself where told to, runs operations and watches rollouts."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from integrations.sandbox.argocd import autosync, operations, pace
from integrations.sandbox.argocd.cluster import Key, State
from integrations.sandbox.argocd.comparison import compare
from integrations.sandbox.argocd.desired import ComparisonFailed, Desired
from integrations.sandbox.argocd.events import record
from integrations.sandbox.argocd.status import write_compared, write_failed
from integrations.sandbox.argocd.store import Application, Store
from integrations.sandbox.clock import Clock

# Name and images of a rollout → how it ends.
Outcome = Callable[[str, list[str], bool], State]


class Worker:
    def __init__(self, name: str, store: Store, desired: Desired, clock: Clock, outcome: Outcome) -> None:
        self.name = name
        self.failures: list[str] = []  # messages with which the next sync attempts fail
        self._store, self._desired, self._clock, self._outcome = store, desired, clock, outcome
        self._refresh_wanted = asyncio.Event()
        self._operation_wanted = asyncio.Event()
        self._terminate = asyncio.Event()

    @property
    def application(self) -> Application:
        return self._store.applications[self.name]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._refresh_wanted.set()
            self._tasks.create_task(self._refreshing())
            self._tasks.create_task(self._operating())

    def refresh(self, after: float = 0.0) -> None:
        """Compare soon; `after` in seconds at speed 1."""
        if after:
            asyncio.get_running_loop().call_later(after / self._clock.speed, self._refresh_wanted.set)
        else:
            self._refresh_wanted.set()

    def operate(self) -> None:
        """An `operation` was set on the application: run it."""
        self._operation_wanted.set()

    def terminate(self) -> None:
        self._terminate.set()

    def drift(self, image: str) -> None:
        self._store.live[self.name].change_image(image, self._clock.now())
        self._follow_rollouts()
        self.refresh()

    async def _refreshing(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._refresh_wanted.wait(), pace.RESYNC)
            self._refresh_wanted.clear()
            await self.reconcile()

    async def reconcile(self) -> None:
        live, spec = self._store.live[self.name], self.application["spec"]
        try:
            revision = await self._desired.revision(spec["source"].get("targetRevision", "HEAD"))
            targets = await self._desired.manifests(self.application, spec["source"], revision)
        except ComparisonFailed as failure:
            with self._store.edit(self.name) as application:
                write_failed(application, live, str(failure), self._clock.now())
            return
        self._store.targets[self.name] = targets
        differences, now = compare(targets, live), self._clock.now()
        windows = self._store.windows(self.application)
        with self._store.edit(self.name) as application:
            before = application["status"].get("sync", {}).get("status"), application["status"].get("health")
            write_compared(application, live, revision, differences, now)
            due = autosync.start_if_due(application, differences, windows, now)
        self._record_transition(before[0], (before[1] or {}).get("status"))
        if due:
            self.operate()

    def _record_transition(self, sync: str | None, health: str | None) -> None:
        status = self.application["status"]
        for word, old, new in (
            ("sync", sync, status["sync"]["status"]),
            ("health", health, status["health"]["status"]),
        ):
            if old != new:
                text = f"Updated {word} status: {old or ''} -> {new}"
                record(self._store, self.name, "ResourceUpdated", text, self._clock.now())

    async def _operating(self) -> None:
        while True:
            await self._operation_wanted.wait()
            self._operation_wanted.clear()
            await self._clock.sleep(pace.PICK_UP)
            if "operation" in self.application:
                await self._operation()
                self.refresh(after=pace.SETTLE)

    async def _operation(self) -> None:
        with self._store.edit(self.name) as application:
            operations.begin(application, self._clock.now())
        record(self._store, self.name, "OperationStarted", self._initiator() + " initiated sync", self._clock.now())
        while not await self._interrupted(pace.SYNC):
            message = await self._attempt()
            if message is None:
                return
            with self._store.edit(self.name) as application:
                pause = operations.schedule_retry(application, message, self._clock.now())
            if pause is None:
                self._finish("Failed", message)
                return
            if await self._interrupted(pause.total_seconds()):
                break
            with self._store.edit(self.name) as application:
                application["status"]["operationState"].pop("finishedAt", None)
        self._finish("Failed", operations.TERMINATED)

    async def _attempt(self) -> str | None:
        """One try; the message when it failed, None when the operation has ended.

        From the last look at `_terminate` to the end there is no await: what was terminated does not succeed (A17).
        """
        operation, source = self.application["operation"], operations.source_of(self.application)
        wanted = operation["sync"].get("revision") or source.get("targetRevision", "HEAD")
        try:
            revision = await self._desired.revision(wanted)
            targets = await self._desired.manifests(self.application, source, revision)
        except ComparisonFailed as failure:
            self._finish("Error", str(failure))
            return None
        if self._terminate.is_set():
            self._finish("Failed", operations.TERMINATED)
            return None
        result = {"revision": revision, "source": source}
        with self._store.edit(self.name) as application:
            application["status"]["operationState"]["syncResult"] = result
        if self.failures:
            return self.failures.pop(0)
        now = self._clock.now()
        resources = operations.apply(operation, self._store.live[self.name], targets, now)
        self._finish("Succeeded", operations.SUCCEEDED, result | {"resources": resources})
        self._follow_rollouts()
        return None

    def _finish(self, phase: str, message: str, result: Application | None = None) -> None:
        self._terminate.clear()
        now = self._clock.now()
        with self._store.edit(self.name) as application:
            operations.finish(application, phase, message, now, result)
        reason = "OperationCompleted"
        record(
            self._store,
            self.name,
            reason,
            f"Sync operation {phase.lower()}: {message}",
            now,
            failed=phase != "Succeeded",
        )

    async def _interrupted(self, seconds: float) -> bool:
        """Wait; True as soon as somebody terminates the operation."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._terminate.wait(), seconds / self._clock.speed)
        return self._terminate.is_set()

    def _initiator(self) -> str:
        who = self.application["status"]["operationState"]["operation"].get("initiatedBy", {})
        return who.get("username") or "automated"

    def _follow_rollouts(self) -> None:
        live = self._store.live[self.name]
        for key in live.settling:
            self._tasks.create_task(self._rollout(key))
        live.settling.clear()

    async def _rollout(self, key: Key) -> None:
        workload = self._store.live[self.name].workloads[key]
        current = workload.current
        state = self._outcome(self.name, current.images, current.proven)
        await self._clock.sleep(pace.ROLLOUT)
        if workload.current is current:
            workload.settle(state)
            if state != "ready":
                record(self._store, self.name, state, f"Rollout of {key.name} failed", self._clock.now(), failed=True)
            self._store.touch()
            self.refresh()
