"""Tekton behind the ports Pipelines, PipelineRetries and PipelineStream."""

import heapq
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Self

from bot.domain.errors import Advice, NotFound, Refused, Unavailable
from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, StepLog
from bot.settings import KubernetesSettings
from integrations.http.policy import HttpPolicy
from integrations.tekton import labels, wire
from integrations.tekton.cluster import Cluster, decode
from integrations.tekton.failures import AlreadyExists, Gone, WebhookRefusal
from integrations.tekton.logs import Logs, in_order, printed
from integrations.tekton.manifests import SYSTEM, Manifests
from integrations.tekton.objects import Objects
from integrations.tekton.status import pipeline_run, tie
from integrations.tekton.watch import Pulse, changes
from integrations.tekton.watched_runs import RUN_LABEL

RUNS = "pipelineruns"
_CHILDREN = {"TaskRun": ("taskruns", ""), "PipelineRun": (RUNS, ""), "CustomRun": ("customruns", "v1beta1")}
"""plural and version; CustomRun has only the one (T16)"""


Newest = list[wire.TektonPipelineRun]
Children = list[tuple[str, wire.TaskRun]]
"""with the names of their tasks"""


class Tekton:
    """One namespace of one cluster. Close it, or use it as an async context manager."""

    def __init__(self, settings: KubernetesSettings, policy: HttpPolicy | None = None) -> None:
        self._settings = settings
        self._policy = policy or HttpPolicy()
        self._cluster = Cluster(settings, self._policy)
        self._objects = Objects(self._cluster, settings.namespace)
        self._logs = Logs(self._cluster, settings.namespace)
        self._pulse = Pulse()

    async def start(self, request: RunRequest) -> PipelineRun:
        """Raises NotFound for an unknown Pipeline, Refused for parameters it does not take."""
        operation = f"start {request.pipeline}"
        pipeline = await self._pipeline(operation, request.pipeline)
        return await self._create(operation, request, (await self._manifests()).run(request, pipeline))

    async def retry(self, name: str, request: RunRequest) -> PipelineRun:
        """With the old run's parameters, workspaces and pod; `request` says who asks, and for which app."""
        operation = f"retry {name}"
        body = await self._objects.get(operation, RUNS, name)
        old = pipeline_run(decode(operation, body, wire.TektonPipelineRun))
        if not old.done:
            raise Refused(SYSTEM, operation, f"{name} is still {old.status}: cancel it first")
        again = (await self._manifests()).again(request, decode(operation, body, dict[str, Any]))
        return await self._create(operation, request, again)

    async def get(self, name: str) -> PipelineRun:
        """With the status of each task, and why it failed."""
        run, children = await self._with_children(f"read run {name}", name)
        return pipeline_run(run, (child for _, child in children))

    async def list(self, app: str, limit: int) -> tuple[PipelineRun, ...]:
        """Without the status of tasks, which would take a request for each run. The whole list is read, by pages."""
        for last in (False, True):
            try:
                return await self._newest(app, limit)
            except Gone:
                if last:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def cancel(self, name: str, mode: CancelMode) -> PipelineRun:
        operation = f"cancel {name}"
        try:
            body = await self._objects.patch(operation, RUNS, name, {"spec": {"status": str(mode)}})
            over = pipeline_run(decode(operation, body, wire.TektonPipelineRun)).done
        except WebhookRefusal:
            over = (await self.get(name)).done
            if not over:
                raise
        # Cancelling a cancelled run changes nothing, and so no webhook refuses it.
        if over:
            raise Refused(SYSTEM, operation, f"{name} is already finished")
        return await self.get(name)

    async def logs(self, name: str, lines: int) -> tuple[StepLog, ...]:
        """In the order in which the tasks began. A retried task has the log of its last attempt (T7)."""
        _, children = await self._with_children(f"read the logs of {name}", name)
        return await self._logs.tails(
            (ref for task, child in in_order(children) for ref in printed(task, child)), lines
        )

    def changes(self) -> AsyncIterator[PipelineRun]:
        """With the status of each task. Waits for a cluster that is away; raises Refused when it refuses."""
        return changes(self._objects, self._pulse)

    def following(self) -> bool:
        """False when `changes` was asked for, and has been without its watches for a minute."""
        return self._pulse.alive

    async def close(self) -> None:
        await self._cluster.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _pipeline(self, operation: str, name: str) -> wire.Pipeline:
        try:
            return decode(operation, await self._objects.get(operation, "pipelines", name), wire.Pipeline)
        except NotFound as error:
            await self._objects.version()  # raises its own error where Tekton is not installed
            error.advice = Advice(
                f"There is no Pipeline {name} in the namespace {self._objects.namespace}.",
                "Trying again changes nothing: create it there, or let an administrator name the right one under "
                "`pipeline.name` (or the app's `pipeline`) in pilothouse.yaml.",
            )
            raise

    async def _manifests(self) -> Manifests:
        return Manifests(self._settings, await self._objects.version())

    async def _create(self, operation: str, request: RunRequest, manifest: dict[str, Any]) -> PipelineRun:
        """The name follows from the request, so a request that was answered into the void makes no second run."""
        name = manifest["metadata"]["name"]
        try:
            body = await self._objects.create(operation, RUNS, manifest)
        except (AlreadyExists, Unavailable) as error:
            try:
                body = await self._objects.get(operation, RUNS, name)
            except NotFound:
                raise error from None
        run = decode(operation, body, wire.TektonPipelineRun)
        if tie(run.metadata, labels.REQUEST_ID) != request.id:
            raise Refused(SYSTEM, operation, f"a run called {name} exists, and it is not of this request")
        return pipeline_run(run)

    async def _newest(self, app: str, limit: int) -> tuple[PipelineRun, ...]:
        operation = f"list runs of {app}" if app else "list runs"
        newest: Newest = []
        async for page in self._objects.pages(operation, RUNS, labels.selector({labels.APP: app})):
            runs = (decode(operation, item, wire.TektonPipelineRun) for item in page.items or [])
            mine = (run for run in runs if not app or tie(run.metadata, labels.APP) == app)
            newest = heapq.nlargest(limit, (*newest, *mine), key=_age)
        return tuple(pipeline_run(run) for run in newest)

    async def _with_children(self, operation: str, name: str) -> tuple[wire.TektonPipelineRun, Children]:
        """The run, and its children by the name of their task; one that was deleted meanwhile is left out."""
        run = decode(operation, await self._objects.get(operation, RUNS, name), wire.TektonPipelineRun)
        references = (run.status.child_references if run.status else None) or []
        labelled, _ = await self._objects.all(operation, "taskruns", f"{RUN_LABEL}={name}") if references else ([], "")
        known = {child.metadata.name: child for child in (decode(operation, raw, wire.TaskRun) for raw in labelled)}
        children: Children = []
        for reference in references:
            child = known.get(reference.name) or await self._child(operation, reference)
            if child is not None:
                children.append((reference.pipeline_task_name, child))
        return run, children

    async def _child(self, operation: str, reference: wire.ChildReference) -> wire.TaskRun | None:
        plural, version = _CHILDREN.get(reference.kind, ("taskruns", ""))
        try:
            body = await self._objects.get(operation, plural, reference.name, version)
        except NotFound:
            return None
        return decode(operation, body, wire.TaskRun)


def _age(run: wire.TektonPipelineRun) -> tuple[datetime, str]:
    return run.metadata.creation_timestamp or datetime.min.replace(tzinfo=UTC), run.metadata.name
