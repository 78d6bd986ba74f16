"""Runs what is posted: watches PipelineRuns and TaskRuns, one execution for each."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.kubernetes.server import KubernetesServer
from integrations.sandbox.kubernetes.store import Change, WatchSubscription

from .behaviours import BEHAVIOURS, Behaviour
from .cluster import TASK, Cluster, GoneError, condition, verdict
from .cluster import TASK_RUN as TASK_RUNS
from .hooks import Hooks
from .pipeline_run import PipelineRunExecution
from .reporting import Reporter
from .task_run import TaskRunExecution, TaskWorld

Object = dict[str, Any]


class TektonController:
    """`async with TektonController(server, clock): ...` executes the runs in `server`'s store until it is left.

    hooks: what built images and written overlays do to the rest of the world. faults: `failing_step` names the
    pipeline task that fails. cloudevents_sink: URL that CloudEvents are posted to (T19).
    """

    def __init__(
        self, server: KubernetesServer, clock: Clock, hooks: Hooks | None = None, faults: FaultSettings | None = None,
        cloudevents_sink: str | None = None, behaviours: Mapping[str, Behaviour] = BEHAVIOURS,
    ) -> None:  # fmt: skip
        self._store = server.store
        cluster = Cluster(server.operations, server.logs, clock)
        self._reporter = Reporter(cluster, cloudevents_sink)
        self._world = TaskWorld(cluster, self._reporter, hooks or Hooks(), faults, behaviours)
        self._pipeline_runs: dict[str, PipelineRunExecution] = {}
        self._task_runs: dict[str, TaskRunExecution] = {}
        self._executing: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "TektonController":
        self._loop = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._loop, *self._executing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._reporter.close()

    async def _watch(self) -> None:
        with self._store.subscribe() as subscription:
            for resource in ("pipelineruns", "taskruns"):
                for run in self._store.objects("tekton.dev", resource):
                    self._begin(run)
            await self._follow(subscription)

    async def _follow(self, subscription: WatchSubscription) -> None:
        while True:
            message = await subscription.messages.get()
            if not isinstance(message, Change) or message.key.group != "tekton.dev":
                continue
            if message.type == "ADDED":
                self._begin(message.object)
            elif message.type == "MODIFIED":
                self._signal(message.object, message.object["spec"].get("status", ""))
            else:
                self._signal(message.object, "gone")

    def _begin(self, run: Object) -> None:
        uid = run["metadata"]["uid"]
        if (run.get("status") or {}).get("startTime"):
            return
        if run["kind"] == "PipelineRun" and uid not in self._pipeline_runs:
            execution = PipelineRunExecution(self._world, run)
            self._pipeline_runs[uid] = execution
            self._execute(self._run_pipeline(uid, execution))
        elif run["kind"] == "TaskRun" and not run["metadata"].get("ownerReferences"):
            self._execute(self._run_task(run))

    def _execute(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._executing.add(task)
        task.add_done_callback(self._executing.discard)

    async def _run_pipeline(self, uid: str, execution: PipelineRunExecution) -> None:
        try:
            await execution.run()
        finally:
            del self._pipeline_runs[uid]

    async def _run_task(self, run: Object) -> None:
        """A TaskRun that no pipeline owns."""
        uid, spec = run["metadata"]["uid"], run["spec"]
        name = (spec.get("taskRef") or {}).get("name", "")
        found = {"spec": spec["taskSpec"]} if "taskSpec" in spec else self._task(run, name)
        try:
            if found is None:
                self._refuse(run, name)
                return
            execution = TaskRunExecution(self._world, run, found["spec"], name)
            self._task_runs[uid] = execution
            await execution.run()
        except GoneError:
            return
        finally:
            self._task_runs.pop(uid, None)

    def _task(self, run: Object, name: str) -> Object | None:
        return self._world.cluster.find(TASK, run["metadata"]["namespace"], name)

    def _refuse(self, run: Object, name: str) -> None:
        cluster, metadata = self._world.cluster, run["metadata"]
        message = f'error when getting Task: tasks.tekton.dev "{name}" not found'

        def change(status: Object) -> None:
            status["podName"] = ""
            status["startTime"] = status["completionTime"] = cluster.now()
            status["conditions"] = condition("False", "TaskRunResolutionFailed", message, cluster.now())

        self._reporter.tell(cluster.update_status(TASK_RUNS, metadata["namespace"], metadata["name"], change))

    def _signal(self, run: Object, asked: str) -> None:
        uid = run["metadata"]["uid"]
        if run["kind"] == "PipelineRun" and (execution := self._pipeline_runs.get(uid)):
            execution.signal(asked)
        elif run["kind"] == "TaskRun" and asked in ("TaskRunCancelled", "gone") and verdict(run) == "Unknown":
            if alone := self._task_runs.get(uid):
                alone.stop("gone" if asked == "gone" else "TaskRunCancelled")
            else:
                for execution in self._pipeline_runs.values():
                    execution.stop_task_run(run["metadata"]["name"])
