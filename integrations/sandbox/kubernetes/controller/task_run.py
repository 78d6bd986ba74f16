"""One TaskRun, from Started to its end: pod, steps, logs, results, retries, cancel, timeout."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.kubernetes.durations import seconds
from integrations.sandbox.kubernetes.logs import ContainerLog
from integrations.sandbox.kubernetes.tekton.references import Value, substitute

from . import pods
from .behaviours import BEHAVIOURS, Behaviour, Finish, TaskContext, behaviour
from .cluster import POD, TASK_RUN, Cluster, GoneError, condition
from .hooks import Hooks
from .reporting import Reporter

Object = dict[str, Any]
Stop = Literal["TaskRunCancelled", "TaskRunTimeout", "run timed out", "gone"]

POD_START_SECONDS = 0.3
RUN_TIMED_OUT = "TaskRun cancelled as the PipelineRun it belongs to has timed out."
UNFINISHED = "Not all Steps in the Task have finished executing"


@dataclass(frozen=True)
class TaskWorld:
    """What executing tasks takes."""

    cluster: Cluster
    reporter: Reporter
    hooks: Hooks = field(default_factory=Hooks)
    faults: FaultSettings | None = None
    behaviours: Mapping[str, Behaviour] = field(default_factory=lambda: BEHAVIOURS)

    def must_fail(self, pipeline_task: str) -> bool:
        return bool(self.faults and pipeline_task and self.faults.now.failing_step == pipeline_task)


class StepFailedError(Exception):
    def __init__(self, container: str, exit_code: int) -> None:
        super().__init__(container, exit_code)
        self.container = container
        self.exit_code = exit_code


class TaskRunExecution:
    """`run` drives it; `stop` may be called at any time from elsewhere."""

    def __init__(self, world: TaskWorld, task_run: Object, task_spec: Object, task_name: str) -> None:
        self._world = world
        self._cluster = world.cluster
        metadata, spec = task_run["metadata"], task_run["spec"]
        self._namespace, self.name = metadata["namespace"], metadata["name"]
        labels = metadata.get("labels") or {}
        self._pipeline_task = labels.get("tekton.dev/pipelineTask", "")
        self._run = labels.get("tekton.dev/pipelineRun", self.name)
        self._params = parameters(task_spec, spec)
        self._spec: Object = substitute(task_spec, {f"params.{name}": value for name, value in self._params.items()})
        self._behaviour = behaviour(task_name, self._pipeline_task, world.behaviours)
        self._retries = int(spec.get("retries") or 0)
        self._timeout = seconds(str(spec.get("timeout") or "0"))
        self._attempt = 0
        self._stop: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()

    def stop(self, why: Stop) -> None:
        if not self._stop.done():
            self._stop.set_result(why)

    async def run(self) -> Object:
        """Returns the TaskRun at its end. Raises GoneError when it was deleted meanwhile."""
        while True:
            work = asyncio.create_task(self._attempt_once())
            alarm = asyncio.create_task(self._cluster.clock.sleep(self._timeout or 10**9))
            waited: set[asyncio.Future[Any]] = {work, alarm, self._stop}
            try:
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    failed = work.result()
                    if failed is None:
                        return self._task_run()
                    if self._attempt >= self._retries:
                        return self._fail(failed)
                    self._retry(failed)
                    continue
            finally:
                await _cancel(work, alarm)
            return self._halt(self._stop.result() if self._stop.done() else "TaskRunTimeout")

    async def _attempt_once(self) -> StepFailedError | None:
        """One pod. Returns what failed, if something did."""
        start = self._cluster.now()
        self._set("Unknown", "Started", UNFINISHED, startTime=start, podName="")
        await self._cluster.clock.sleep(0.05)
        steps: list[Object] = [
            {"name": name, "container": container, "waiting": {"reason": "PodInitializing"}}
            for name, container, _ in pods.containers(self._spec)
        ]
        pod = self._start_pod()
        waiting = 'pod status "Ready":"False"; message: "containers with unready status"'
        self._set("Unknown", "Pending", waiting, podName=self._pod_name, steps=steps, taskSpec=self._spec)
        await self._cluster.clock.sleep(POD_START_SECONDS)
        self._pod_status(pods.running_status(pod["spec"], self._cluster.now()))
        for step in steps:  # all at once, as soon as the pod runs (T22)
            step.pop("waiting")
            step["running"] = {"startedAt": self._cluster.now()}
        logs = {step["container"]: self._log(pod, step["container"]) for step in steps}
        for log in logs.values():
            log.start()
        failed: StepFailedError | None = None
        try:
            finish = await self._steps(steps, logs)
            self._succeed(finish)
        except StepFailedError as error:
            failed = error
        self._pod_status(pods.ended_status(pod["spec"], steps, start))
        for log in logs.values():
            log.close()
        return failed

    async def _steps(self, steps: list[Object], logs: Mapping[str, ContainerLog]) -> Finish:
        """Runs the steps in turn. Raises StepFailedError."""
        context = TaskContext(self._params, self._run, self._world.hooks)
        definitions = pods.containers(self._spec)
        each = self._behaviour.seconds / len(definitions)
        finish = Finish()
        for index, (name, container, definition) in enumerate(definitions):
            step, log = steps[index], logs[container]
            self._set("Unknown", "Running", UNFINISHED, steps=steps)
            main = name == self._behaviour.main_step or (not self._behaviour.main_step and index == len(steps) - 1)
            code = 0
            if main and self._world.must_fail(self._pipeline_task):
                await self._write(log, self._behaviour.failure(context), each)
                code = self._behaviour.exit_code
            else:
                await self._write(log, self._behaviour.lines(context) if main else _echo(definition), each)
                if main:
                    finish, code = await self._finish(context, log)
            self._terminate(step, definition, code)
            if code:
                self._skip(steps[index + 1 :], definitions[index + 1 :])
                self._set("Unknown", "Running", UNFINISHED, steps=steps)
                raise StepFailedError(container, code)
        self._set("Unknown", "Running", UNFINISHED, steps=steps)
        return finish

    async def _finish(self, context: TaskContext, log: ContainerLog) -> tuple[Finish, int]:
        try:
            finish = await self._behaviour.finish(context)
        except Exception as error:  # noqa: BLE001 - whatever the world does wrong is this step's failure
            log.write(self._cluster.moment(), f"Error: {error}")
            return Finish(), 1
        for line in finish.lines:
            log.write(self._cluster.moment(), line)
        return finish, 0

    async def _write(self, log: ContainerLog, lines: Any, duration: float) -> None:
        pause = duration / (len(lines) + 1)
        for line in lines:
            await self._cluster.clock.sleep(pause)
            log.write(self._cluster.moment(), line)
        await self._cluster.clock.sleep(pause)

    def _terminate(self, step: Object, definition: Object, code: int, reason: str = "") -> None:
        running = step.pop("running", None) or {}
        step.pop("waiting", None)
        reason = reason or ("Error" if code else "Completed")
        now = self._cluster.now()
        step["imageID"] = pods.image_id(str(definition.get("image", "")))
        step["terminationReason"] = reason
        step["terminated"] = {
            "containerID": f"containerd://{pods.image_id(step['container'])[-64:]}",
            "exitCode": code,
            "reason": "Error" if code else "Completed",
            "startedAt": running.get("startedAt", now),
            "finishedAt": now,
        }

    def _skip(self, steps: list[Object], definitions: list[tuple[str, str, Object]]) -> None:
        for step, (_, _, definition) in zip(steps, definitions, strict=True):
            self._terminate(step, definition, 1, "Skipped")

    def _succeed(self, finish: Finish) -> None:
        declared = [result["name"] for result in self._spec.get("results") or []]
        known = self._behaviour.finish is not Behaviour().finish
        # A pretended task that this world does not know writes its results' own names.
        values = {name: finish.results.get(name, "" if known else name) for name in declared}
        results = [{"name": name, "type": "string", "value": value} for name, value in values.items()]
        extra: Object = {"results": results} if results else {}
        now = self._cluster.now()
        self._set("True", "Succeeded", "All Steps have completed executing", completionTime=now, **extra)

    def _fail(self, failed: StepFailedError) -> Object:
        message = f'"{failed.container}" exited with code {failed.exit_code}: Error'
        self._set("False", "StepFailed", message, completionTime=self._cluster.now())
        return self._task_run()

    def _retry(self, failed: StepFailedError) -> None:
        """T7: the same TaskRun; the attempt moves to retriesStatus, and its fields are unset."""
        self._attempt += 1
        message = f'"{failed.container}" exited with code {failed.exit_code}: Error'
        now = self._cluster.now()

        def reset(status: Object) -> None:
            earlier = {key: value for key, value in status.items() if key != "retriesStatus"}
            earlier.update(conditions=condition("False", "StepFailed", message, now), completionTime=now)
            history = [*status.get("retriesStatus", []), earlier]
            status.clear()
            retried = condition("Unknown", "ToBeRetried", message, now)
            status.update(retriesStatus=history, podName="", conditions=retried)

        self._world.reporter.tell(self._cluster.update_status(TASK_RUN, self._namespace, self.name, reset))

    def _halt(self, why: Stop) -> Object:
        """T10: cancel and timeout delete the pod."""
        self._cluster.delete_pod(self._namespace, self._pod_name)
        if why == "gone":
            raise GoneError(self.name)
        message = f'TaskRun "{self.name}" was cancelled'
        if why == "TaskRunTimeout":
            message = f'TaskRun "{self.name}" failed to finish within "{self._task_run()["spec"]["timeout"]}"'
        if why == "run timed out":  # the TaskRun itself is cancelled, and its message says for what (T20)
            why, message = "TaskRunCancelled", f"{message}. {RUN_TIMED_OUT}"
        steps = (self._task_run().get("status") or {}).get("steps", [])
        for step, (_, _, definition) in zip(steps, pods.containers(self._spec), strict=False):
            if "terminated" not in step:
                self._terminate(step, definition, 1, why)
        now = self._cluster.now()
        self._set("False", why, message, completionTime=now, **({"steps": steps} if steps else {}))
        return self._task_run()

    @property
    def _pod_name(self) -> str:
        return pods.pod_name(self.name, self._attempt)

    def _start_pod(self) -> Object:
        pod = pods.pod(self._task_run(), self._spec, self._pod_name)
        created = self._cluster.create(POD, self._namespace, pod)
        self._pod_status(pods.waiting_status(created["spec"]))
        return created

    def _pod_status(self, new: Object) -> None:
        if self._cluster.find(POD, self._namespace, self._pod_name) is not None:
            self._cluster.update_status(POD, self._namespace, self._pod_name, lambda status: status.update(new))

    def _log(self, pod: Object, container: str) -> ContainerLog:
        return self._cluster.logs.of(pod["metadata"]["uid"], container)

    def _task_run(self) -> Object:
        return self._cluster.get(TASK_RUN, self._namespace, self.name)

    def _set(self, status: str, reason: str, message: str, **fields: Any) -> None:
        def change(present: Object) -> None:
            present.update(fields)
            present["conditions"] = condition(status, reason, message, self._cluster.now())

        self._world.reporter.tell(self._cluster.update_status(TASK_RUN, self._namespace, self.name, change))


def parameters(task_spec: Object, run_spec: Object) -> dict[str, Value]:
    """The values of a Task's or Pipeline's parameters: what the run gives, else the defaults."""
    given = {param["name"]: param["value"] for param in run_spec.get("params") or []}
    declared = {param["name"]: param["default"] for param in task_spec.get("params") or [] if "default" in param}
    return {**declared, **given}


def _echo(definition: Object) -> list[str]:
    """What `set -x` would show of a step that this world does not know."""
    if script := definition.get("script"):
        lines = [line.strip() for line in str(script).splitlines()]
        return [f"+ {line}" for line in lines if line and not line.startswith(("#", "set "))][:5]
    command = [*(definition.get("command") or []), *(definition.get("args") or [])]
    return ["+ " + " ".join(map(str, command))] if command else []


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
