"""One PipelineRun, from its first status to its last."""

import asyncio
from typing import Any

from integrations.sandbox.kubernetes.durations import seconds
from integrations.sandbox.kubernetes.tekton.references import UnresolvedReferenceError, Value, substitute

from . import graph
from .children import claim_name, task_run
from .cluster import (
    CLAIM,
    PIPELINE_RUN,
    TASK_RUN,
    Cluster,
    GoneError,
    condition,
    owner_reference,
    verdict,
)  # fmt: skip
from .graph import Graph, Node
from .resolution import ResolutionError, Resolved, resolve
from .task_run import Stop, TaskRunExecution, TaskWorld

Object = dict[str, Any]

RECONCILE_SECONDS = 0.15

_STOP_NOW = ("Cancelled", "gone", "PipelineRunTimeout")
_ENDS_FIRST = ("Cancelled", "PipelineRunTimeout")
"""the run ends, and its TaskRuns after it (T20)"""


class PipelineRunExecution:
    """`run` drives it; `signal` hands in what `spec.status` asks for (T8), or "gone" after a deletion."""

    def __init__(self, world: TaskWorld, run: Object) -> None:
        self._world = world
        self._cluster: Cluster = world.cluster
        self._namespace, self._name = run["metadata"]["namespace"], run["metadata"]["name"]
        self._asked = ""
        self._released = asyncio.Event()
        self._children: dict[asyncio.Task[Object], tuple[Node, TaskRunExecution]] = {}
        self._started: list[Object] = []
        self._alarms: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._tasks = Graph(())
        self._finally = Graph(())

    def signal(self, asked: str) -> None:
        if asked != "PipelineRunPending":
            self._released.set()
        if not asked or asked == "PipelineRunPending" or self._asked in _STOP_NOW:
            return
        self._asked = asked
        if asked in _ENDS_FIRST:
            self._stopped.set()
        elif asked != "StoppedRunFinally":
            self._stop_children()

    def _stop_children(self) -> None:
        why: Stop = "TaskRunCancelled"
        if self._asked in ("PipelineRunTimeout", "TasksTimeout"):
            why = "run timed out"
        elif self._asked == "gone":
            why = "gone"
        for _, execution in self._children.values():
            execution.stop(why)

    async def run(self) -> None:
        try:
            await self._run()
        except GoneError:
            self._asked = "gone"
        finally:
            if self._children:
                self._asked = "gone"
                self._stop_children()
                await asyncio.gather(*self._children, return_exceptions=True)
            for alarm in self._alarms:
                alarm.cancel()

    async def _run(self) -> None:
        await self._cluster.clock.sleep(RECONCILE_SECONDS)
        run = self._get()
        if run["spec"].get("status") == "PipelineRunPending":
            self._set("Unknown", "PipelineRunPending", f'PipelineRun "{self._name}" is pending')
            await self._released.wait()
        self._set("Unknown", "Started", "", startTime=self._cluster.now())
        try:
            resolved = resolve(self._cluster, self._get())
        except ResolutionError as error:
            self._set("False", error.reason, error.message, completionTime=self._cluster.now())
            return
        self._label(resolved.name)
        self._bind_claims()
        self._set_alarms()
        await self._execute(resolved)

    def _label(self, pipeline: str) -> None:
        """T13: the label comes after creation."""

        def change(run: Object) -> None:
            run["metadata"].setdefault("labels", {})["tekton.dev/pipeline"] = pipeline

        self._cluster.update(PIPELINE_RUN, self._namespace, self._name, change)

    def _bind_claims(self) -> None:
        run = self._get()
        for workspace in run["spec"].get("workspaces") or []:
            if template := workspace.get("volumeClaimTemplate"):
                claim: Object = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
                claim["spec"] = template.get("spec") or {}
                name = claim_name(run, workspace["name"])
                claim["metadata"] = {"name": name, "ownerReferences": [owner_reference(run)]}
                self._cluster.create(CLAIM, self._namespace, claim)
                self._cluster.update_status(CLAIM, self._namespace, name, lambda s: s.update(phase="Bound"))

    def _set_alarms(self) -> None:
        timeouts = self._get()["spec"].get("timeouts") or {}
        for name, asked in (("pipeline", "PipelineRunTimeout"), ("tasks", "TasksTimeout")):
            if limit := seconds(str(timeouts.get(name, "0"))):
                self._alarms.add(asyncio.create_task(self._ring(limit, asked)))

    async def _ring(self, limit: float, asked: str) -> None:
        await self._cluster.clock.sleep(limit)
        if asked != "TasksTimeout" or not self._finally.in_state("running"):
            self.signal(asked)

    async def _execute(self, resolved: Resolved) -> None:
        self._tasks = Graph(resolved.spec["tasks"])
        self._set("Unknown", "Running", self._progress(), pipelineSpec=resolved.spec)
        await self._drive(self._tasks, resolved, "tasks")
        self._finally = Graph(resolved.spec.get("finally") or [], base=self._tasks)
        if self._finally.nodes and self._asked not in _STOP_NOW:
            self._set("Unknown", self._reason(), self._progress(), finallyStartTime=self._cluster.now())
            await self._drive(self._finally, resolved, "finally")
        self._conclude(resolved)
        self._stop_children()
        await asyncio.gather(*self._children)
        self._children.clear()

    async def _drive(self, tasks: Graph, resolved: Resolved, member: str) -> None:
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await self._work_off(tasks, resolved, member, stopped)
        finally:
            stopped.cancel()

    async def _work_off(self, tasks: Graph, resolved: Resolved, member: str, stopped: asyncio.Task[Any]) -> None:
        while not self._stopped.is_set():
            if why := self._stopping(tasks, member):
                tasks.skip_waiting(why)
            for node in tasks.take_ready():
                self._start(node, resolved, member)
            self._set("Unknown", self._reason(), self._progress())
            if not self._children:
                return
            await asyncio.wait({*self._children, stopped}, return_when=asyncio.FIRST_COMPLETED)
            for child in [child for child in self._children if child.done()]:
                node, _ = self._children.pop(child)
                self._settle(node, child.result())

    def _stopping(self, tasks: Graph, member: str) -> str:
        if self._asked in _STOP_NOW:
            return graph.STOPPING
        if member == "finally":
            return ""
        if any(node.state == "failed" and node.task.get("onError") != "continue" for node in tasks.nodes.values()):
            return graph.STOPPING
        return {
            "CancelledRunFinally": graph.GRACEFULLY_CANCELLED,
            "StoppedRunFinally": graph.GRACEFULLY_STOPPED,
            "TasksTimeout": graph.TASKS_TIMED_OUT,
        }.get(self._asked, "")

    def _start(self, node: Node, resolved: Resolved, member: str) -> None:
        run = self._get()
        created = self._cluster.create(TASK_RUN, self._namespace, task_run(run, resolved.name, node.task, member))
        node.task_run = created["metadata"]["name"]
        reference: Object = {
            "apiVersion": created["apiVersion"],
            "kind": "TaskRun",
            "name": node.task_run,
            "pipelineTaskName": node.name,
        }
        if node.task.get("when"):
            reference["whenExpressions"] = node.task["when"]
        self._started.append(reference)
        task_name = node.task.get("taskRef", {}).get("name", "")
        execution = TaskRunExecution(self._world, created, resolved.tasks[node.name], task_name)
        self._children[asyncio.create_task(execution.run())] = (node, execution)

    def stop_task_run(self, name: str) -> None:
        """Someone cancels one TaskRun by itself."""
        for _, execution in self._children.values():
            if execution.name == name:
                execution.stop("TaskRunCancelled")

    def _settle(self, node: Node, task_run: Object) -> None:
        status = task_run["status"]
        if verdict(task_run) == "True":
            node.state = "succeeded"
            node.results = {result["name"]: result["value"] for result in status.get("results", [])}
        else:
            node.state = "cancelled" if status["conditions"][0]["reason"] == "TaskRunCancelled" else "failed"

    def _reason(self) -> str:
        if self._asked == "CancelledRunFinally":
            return "CancelledRunningFinally"
        if self._asked == "StoppedRunFinally":
            return "StoppedRunningFinally"
        if self._asked == "TasksTimeout":
            return "PipelineRunTimeoutRunningFinally"
        return "PipelineRunStopping" if self._tasks.in_state("failed", "cancelled") else "Running"

    def _count(self, *states: Any) -> int:
        return len(self._tasks.in_state(*states)) + len(self._finally.in_state(*states))

    def _progress(self) -> str:
        """T4: as the code writes it."""
        failed, cancelled = self._count("failed"), self._count("cancelled")
        completed = self._count("succeeded") + failed + cancelled
        incomplete = self._count("waiting", "running")
        middle = f"Incomplete: {incomplete}, " if incomplete else ""
        skipped = self._count("skipped")
        return f"Tasks Completed: {completed} (Failed: {failed}, Cancelled {cancelled}), {middle}Skipped: {skipped}"

    def _conclude(self, resolved: Resolved) -> None:
        fields: Object = {"completionTime": self._cluster.now()}
        if results := self._results(resolved.spec):
            fields["results"] = results
        if self._asked == "gone":
            return
        status, reason, message = self._verdict()
        self._set(status, reason, message, **fields)

    def _verdict(self) -> tuple[str, str, str]:
        if self._asked == "PipelineRunTimeout":
            limit = self._get()["spec"]["timeouts"]["pipeline"]
            return "False", "PipelineRunTimeout", f'PipelineRun "{self._name}" failed to finish within "{limit}"'
        if self._asked == "Cancelled":
            return "False", "Cancelled", f'PipelineRun "{self._name}" was cancelled'
        if self._asked == "TasksTimeout":
            return "False", "PipelineRunTimeout", self._progress()
        if self._count("failed"):
            return "False", "Failed", self._progress()
        if self._asked in ("CancelledRunFinally", "StoppedRunFinally") or self._count("cancelled"):
            return "False", "Cancelled", self._progress()
        return "True", "Completed" if self._count("skipped") else "Succeeded", self._progress()

    def _results(self, spec: Object) -> list[Object]:
        """T6: a result whose task failed or was skipped is not emitted."""
        variables: dict[str, Value] = {}
        for node in (*self._tasks.nodes.values(), *self._finally.nodes.values()):
            variables |= {f"tasks.{node.name}.results.{name}": value for name, value in node.results.items()}
        emitted = []
        for result in spec.get("results") or []:
            try:
                emitted.append({"name": result["name"], "value": substitute(result["value"], variables)})
            except UnresolvedReferenceError:
                continue
        return emitted

    def _get(self) -> Object:
        return self._cluster.get(PIPELINE_RUN, self._namespace, self._name)

    def _set(self, status: str, reason: str, message: str, **fields: Any) -> None:
        skipped = [n for g in (self._tasks, self._finally) for n in g.in_state("skipped")]

        def change(present: Object) -> None:
            present.update(fields)
            present["conditions"] = condition(status, reason, message, self._cluster.now())
            if self._started:
                present["childReferences"] = self._started
            if skipped:
                present["skippedTasks"] = [_skipped(node) for node in skipped]

        run = self._cluster.update_status(PIPELINE_RUN, self._namespace, self._name, change)
        self._world.reporter.tell(run)


def _skipped(node: Node) -> Object:
    found: Object = {"name": node.name, "reason": node.why}
    if node.task.get("when"):
        found["whenExpressions"] = node.task["when"]
    return found
