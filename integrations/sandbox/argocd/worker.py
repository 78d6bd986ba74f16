"""One application's controller: it compares, syncs by itself where told to, runs operations and watches rollouts."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from integrations.sandbox.argocd import autosync, operations, pace
from integrations.sandbox.argocd.cluster import ByHand, ReplicaSet, ResourceKey, State
from integrations.sandbox.argocd.comparison import Difference, compare
from integrations.sandbox.argocd.desired import ComparisonFailed, Desired
from integrations.sandbox.argocd.events import record
from integrations.sandbox.argocd.status import write_compared, write_failed, write_stale
from integrations.sandbox.argocd.store import Application, Store
from integrations.sandbox.argocd.troubles import FOREIGN, HOOK, Troubles
from integrations.sandbox.clock import Clock

# Name and images of a rollout → how it ends.
Outcome = Callable[[str, list[str], bool], State]


class Worker:
    def __init__(
        self, name: str, store: Store, desired: Desired, clock: Clock, outcome: Outcome, troubles: Troubles
    ) -> None:
        self.name = name
        self.failures: list[str] = []  # messages with which the next sync attempts fail
        self._store, self._desired, self._clock, self._outcome = store, desired, clock, outcome
        self._troubles = troubles
        self._stale: asyncio.TimerHandle | None = None  # when a stale cache answers for a refused comparison (A28)
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

    def change(self, by_hand: ByHand) -> None:
        self._store.live[self.name].change(by_hand, self._clock.now())
        self._follow_rollouts()
        self.refresh()

    def stop_healing(self) -> None:
        """As `argocd app set --self-heal=false`, until the next change of its ApplicationSet."""
        with self._store.edit(self.name) as application:
            automated = (application["spec"].get("syncPolicy") or {}).get("automated")
            if automated:
                automated["selfHeal"] = False

    def stop_syncing(self) -> None:
        """As `argocd app set --sync-policy manual`, until the next change of its ApplicationSet."""
        with self._store.edit(self.name) as application:
            (application["spec"].get("syncPolicy") or {}).pop("automated", None)

    def fall_ill(self, seconds: float) -> None:
        """The pods crash, and run well again after so long."""
        self._tasks.create_task(self._illness(self._store.live[self.name].fall_ill(), seconds))
        self._store.touch()
        self.refresh()

    async def _illness(self, pods: ReplicaSet, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if pods.state == "CrashLoopBackOff":
            pods.state = "ready"
            self._store.touch()
            self.refresh()

    async def _refreshing(self) -> None:
        while True:
            poll = pace.RESYNC + random.uniform(0, pace.JITTER)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._refresh_wanted.wait(), poll / self._clock.speed)
            self._refresh_wanted.clear()
            await self.reconcile()

    async def reconcile(self) -> None:
        self.intrude()
        live, spec = self._store.live[self.name], self.application["spec"]
        revision = spec["source"].get("targetRevision", "HEAD")
        try:
            self._troubles.check_repo_server()
            revision = await self._desired.revision(revision)
            targets = await self._desired.manifests(self.application, spec["source"], revision)
            self._store.targets[self.name] = targets
            self._troubles.meddle(self.name, live)
            differences = compare(targets, live)
            self._ask_admission(revision, differences)
        except ComparisonFailed as failure:
            with self._store.edit(self.name) as application:
                write_failed(application, live, revision, str(failure), self._clock.now())
            return
        self._compared(revision, differences)

    def _compared(self, revision: str, differences: list[Difference]) -> None:
        live, now = self._store.live[self.name], self._clock.now()
        windows = self._store.windows(self.application)
        with self._store.edit(self.name) as application:
            before = application["status"].get("sync", {}).get("status"), application["status"].get("health")
            write_compared(application, live, revision, differences, now)
            due = autosync.start_if_due(application, differences, windows, now, self._clock.speed)
        self._record_transition(before[0], (before[1] or {}).get("status"))
        if due:
            self.operate()
        elif (heals := autosync.heals_at(self.application, self._clock.speed)) and heals > now:
            self.refresh(after=(heals - now).total_seconds() * self._clock.speed)

    def _ask_admission(self, revision: str, differences: list[Difference]) -> None:
        """Raises ComparisonFailed, and has the stale cache answer in its place after a while (A28)."""
        words = self._troubles.server_side_denial(self.application, differences)
        if self._stale and not words:
            self._stale.cancel()
            self._stale = None
        if words:
            after = pace.DIFF_CACHE / self._clock.speed
            loop = asyncio.get_running_loop()
            self._stale = self._stale or loop.call_later(after, self._answer_from_cache, revision)
            raise ComparisonFailed(words)

    def _answer_from_cache(self, revision: str) -> None:
        self._stale = None
        if self.name in self._store.applications:
            with self._store.edit(self.name) as application:
                write_stale(application, revision, self._clock.now())

    def intrude(self) -> None:
        """Somebody else syncs the commit that Argo CD is at, unless a sync runs already (A31)."""
        application = self.application
        revision = application["status"].get("sync", {}).get("revision")
        if self.name not in self._troubles.now.foreign_sync or autosync.in_progress(application) or not revision:
            return
        with self._store.edit(self.name) as application:
            operation = {"sync": {"revision": revision}, "initiatedBy": {"username": FOREIGN}}
            autosync.request_operation(application, operation)
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
            if self._initiator() == FOREIGN and self.name in self._troubles.now.foreign_sync:
                continue
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
            await self._begin_retry()
        self._finish("Failed", operations.TERMINATED)

    async def _begin_retry(self) -> None:
        """Of the commit that failed, however many have come since, unless the policy says `refresh` (A34)."""
        target = self.application["spec"]["source"].get("targetRevision", "HEAD")
        refresh = (self.application["operation"].get("retry") or {}).get("refresh")
        newest = ""
        if refresh:
            with suppress(ComparisonFailed):
                newest = await self._desired.revision(target)
        with self._store.edit(self.name) as application:
            application["status"]["operationState"].pop("finishedAt", None)
            if newest:
                application["operation"]["sync"]["revision"] = newest
                application["status"]["operationState"]["operation"] = application["operation"]

    async def _attempt(self) -> str | None:
        """One try; the message when it failed, None when the operation has ended.

        From the last look at `_terminate` to the end there is no await: what was terminated does not succeed (A17).
        """
        operation, source = self.application["operation"], operations.source_of(self.application)
        wanted = operation["sync"].get("revision") or source.get("targetRevision", "HEAD")
        try:
            self._troubles.check_repo_server()
            revision = await self._desired.revision(wanted)
            targets = await self._desired.manifests(self.application, source, revision)
        except ComparisonFailed as failure:
            self._finish("Error", str(failure))
            return None
        if self._terminate.is_set():
            self._finish("Failed", operations.TERMINATED)
            return None
        failures, message = self._refusals(targets)
        result = {"revision": revision, "source": source}
        with self._store.edit(self.name) as application:
            shown = result | {"resources": failures} if failures else result
            application["status"]["operationState"]["syncResult"] = shown
        if message:
            return message
        now = self._clock.now()
        resources = operations.apply(operation, self._store.live[self.name], targets, now)
        self._finish("Succeeded", operations.SUCCEEDED, result | {"resources": resources})
        self._follow_rollouts()
        return None

    def _refusals(self, targets: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
        """The results of what fails, and the operation's own message, which names a hook nowhere (A33); or nothing."""
        if self.failures:
            return [], self.failures.pop(0)
        if self._troubles.hook_fails(targets):
            namespace = self.application["spec"]["destination"].get("namespace", "")
            return [operations.failed_hook(HOOK, namespace)], operations.TASKS_FAILED
        found = compare(targets, self._store.live[self.name])
        denied = [operations.refused(one, words) for one in found if (words := self._troubles.denial(one.target))]
        return denied, f"one or more objects failed to apply, reason: {denied[0]['message']}" if denied else ""

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

    async def _rollout(self, key: ResourceKey) -> None:
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
