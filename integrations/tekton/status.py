"""Tekton's objects as domain values, and in one sentence why a run failed. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.pipeline import PipelineRun, RunStatus, TaskStatus
from integrations.tekton import labels, wire

USER_ERROR = "[User error] "
_CANCELLED = frozenset({"Cancelled", "TaskRunCancelled", "PipelineRunCancelled", "CustomRunCancelled"})
_NOT_BEGUN = frozenset({"PipelineRunPending", "TaskRunPending", "Pending"})
_NO_FAILURE_OF_ITS_OWN = frozenset({"Skipped", "Cancelled", "Continued", "TaskRunCancelled"})
_PLAIN_ENDS = frozenset({"", "Completed", "Error"})
"""reasons of a step that say no more than its exit code does"""
_ON_ITS_WAY = frozenset(
    {"", "Started", "Running", "Pending", "TaskRunPending", "ToBeRetried", "ResolvingTaskRef", "ResolvingStepActionRef"}
)
_POD_STARTS = ("PodInitializing", "ContainerCreating")
_RUN_TIMED_OUT = "cancelled as the PipelineRun it belongs to has timed out"
"""in the message of a TaskRun that is called cancelled, and was stopped because the run's time was over (T20)"""
_WHY_TASK = {
    "TaskRunTimeout": "it ran longer than its timeout",
    "TaskRunImagePullFailed": "an image could not be pulled",
    "TaskRunCancelled": "it was cancelled",
    "PodEvicted": "its pod was evicted from the node",
    "StepOOM": "a step ran out of memory",
    "SidecarOOM": "a sidecar ran out of memory",
    "InitContainerOOM": "an init container ran out of memory",
}
_LONGEST = 300
_STOPPED = (RunStatus.FAILED, RunStatus.CANCELLED)
NEVER_BEGUN = "NeverBegun"
"""our own word for a task whose run ended first"""


def pipeline_run(run: wire.TektonPipelineRun, children: Iterable[wire.TaskRun] = ()) -> PipelineRun:
    """`children` are the run's TaskRuns; without them no task has a status, and the message is Tekton's own."""
    state = run.status or wire.PipelineRunStatus()
    condition = _succeeded(state.conditions)
    status = run_status(condition)
    tasks = tuple(_tasks(state, {child.metadata.name: child for child in children}, status))
    return PipelineRun(
        name=run.metadata.name,
        namespace=run.metadata.namespace,
        pipeline=_pipeline(run),
        status=status,
        reason=condition.reason,
        message=_why(status, condition, tasks),
        app=tie(run.metadata, labels.APP),
        requester=tie(run.metadata, labels.REQUESTER),
        params=_texts(run.spec.params),
        results=_texts(state.results or state.pipeline_results),
        tasks=tasks,
        created_at=run.metadata.creation_timestamp,
        started_at=state.start_time,
        finished_at=state.completion_time,
        uid=run.metadata.uid,
    )


def run_status(condition: wire.TektonCondition) -> RunStatus:
    """`status` first, `reason` second; reasons are an open list (T1, T2, T3)."""
    if condition.status == "True":
        return RunStatus.SUCCEEDED
    if condition.status == "False":
        return RunStatus.CANCELLED if condition.reason in _CANCELLED else RunStatus.FAILED
    return RunStatus.PENDING if not condition.type or condition.reason in _NOT_BEGUN else RunStatus.RUNNING


def tie(metadata: wire.TektonMetadata, key: str) -> str:
    """The whole value from the annotation; runs that others made may have the label only."""
    return (metadata.annotations or {}).get(key) or (metadata.labels or {}).get(key, "")


def failed_step(child: wire.TaskRun) -> tuple[str, str]:
    """The step that made a TaskRun fail and what happened to it, or two empty strings.

    The steps after it end with an error as well, and so do steps whose errors are ignored.
    """
    for step in (child.status.steps if child.status else None) or []:
        ended = step.terminated
        if ended is None or ended.exit_code == 0 or step.termination_reason in _NO_FAILURE_OF_ITS_OWN:
            continue
        if ended.reason == "OOMKilled":
            return step.name, f'step "{step.name}" ran out of memory'
        if step.termination_reason == "TimeoutExceeded":
            return step.name, f'step "{step.name}" ran longer than its timeout'
        if step.termination_reason == "TaskRunTimeout":
            return step.name, f'it ran longer than its timeout, in step "{step.name}"'
        # Reasons are an open list (T21): an unknown one is the cluster's own word.
        reason = "" if step.termination_reason in _PLAIN_ENDS else f" ({step.termination_reason})"
        return step.name, f'step "{step.name}" ended with exit code {ended.exit_code}{reason}'
    return "", ""


def _tasks(state: wire.PipelineRunStatus, children: Mapping[str, wire.TaskRun], run: RunStatus) -> Iterable[TaskStatus]:
    """In the pipeline's order, `finally` last; one for each TaskRun of a matrix."""
    created: dict[str, list[wire.ChildReference]] = {}
    for reference in state.child_references or []:
        created.setdefault(reference.pipeline_task_name, []).append(reference)
    skipped = {task.name: task for task in state.skipped_tasks or []}
    spec = state.pipeline_spec or wire.PipelineSpec()
    declared = [task.name for task in (*(spec.tasks or []), *(spec.finally_ or []))]
    for name in dict.fromkeys((*declared, *created, *skipped)):
        references = created.get(name, [])
        for number, reference in enumerate(references, 1):
            title = name if len(references) == 1 else f"{name} {number}/{len(references)}"
            child = children.get(reference.name)
            yield _task(title, child, run) if child or reference.kind == "TaskRun" else _unseen(title, run)
        if not references and name in skipped:
            yield TaskStatus(name, RunStatus.PENDING, reason=skipped[name].reason, skipped=True)
        elif not references:
            yield _never_begun(name) if run in _STOPPED else TaskStatus(name, RunStatus.PENDING)


def _never_begun(name: str) -> TaskStatus:
    return TaskStatus(name, RunStatus.CANCELLED, NEVER_BEGUN, "it never began", skipped=True)


def _unseen(name: str, run: RunStatus) -> TaskStatus:
    """A custom task that was begun, but is not among the children: the watches follow TaskRuns only."""
    if run in _STOPPED:
        return TaskStatus(name, RunStatus.CANCELLED, message="it was under way when the run ended")
    return TaskStatus(name, run)


def _task(name: str, child: wire.TaskRun | None, run: RunStatus) -> TaskStatus:
    state = (child.status if child else None) or wire.TaskRunStatus()
    condition = _succeeded(state.conditions)
    status = run_status(condition)
    if status in (RunStatus.PENDING, RunStatus.RUNNING):
        return _unfinished(name, state, condition, run)
    if status is RunStatus.CANCELLED and _RUN_TIMED_OUT in condition.message:
        message = "it was under way when the run's time was over"
        finished = state.completion_time
        return TaskStatus(name, RunStatus.FAILED, condition.reason, message, "", state.start_time, finished)
    step, happened = failed_step(child) if child and status is RunStatus.FAILED else ("", "")
    told = _cleaned(condition.message)
    explained = happened or _WHY_TASK.get(condition.reason, "") or told or condition.reason
    if condition.reason == "TaskRunImagePullFailed" and told:
        explained = f"{explained}: {told}"  # which one, and why
    return TaskStatus(
        name=name,
        status=status,
        reason=condition.reason,
        message=explained if status in (RunStatus.FAILED, RunStatus.CANCELLED) else _cleaned(condition.message),
        failed_step=step,
        started_at=state.start_time,
        finished_at=state.completion_time,
    )


def _unfinished(name: str, state: wire.TaskRunStatus, condition: wire.TektonCondition, run: RunStatus) -> TaskStatus:
    """A run that is stopped ends before its tasks do (T20): theirs is no longer going on, whatever they say."""
    if run in _STOPPED:
        if state.start_time is None:
            return _never_begun(name)
        message = "it was under way when the run ended"
        return TaskStatus(name, RunStatus.CANCELLED, condition.reason, message, started_at=state.start_time)
    hindrance = _hindrance(condition)
    status = RunStatus.PENDING if hindrance else run_status(condition)
    return TaskStatus(name, status, condition.reason, hindrance, started_at=state.start_time)


def _hindrance(condition: wire.TektonCondition) -> str:
    """Why a task cannot start, in the cluster's words (T21); "" for one that is on its way."""
    message = _cleaned(condition.message)
    if condition.reason not in _ON_ITS_WAY:
        return message or condition.reason
    stuck = "PodScheduled" in message or "nschedulable" in message or " is pending with reason " in message
    starting = any(f'reason "{word}"' in message for word in _POD_STARTS)
    return message if condition.reason == "Pending" and stuck and not starting else ""


def _why(status: RunStatus, condition: wire.TektonCondition, tasks: Iterable[TaskStatus]) -> str:
    """One sentence. Tekton's own only counts tasks ("Tasks Completed: 3 (Failed: 1, …)", T4)."""
    if status is RunStatus.FAILED:
        for task in tasks:
            if task.status is RunStatus.FAILED and task.reason != "FailureIgnored":
                return f"Task {task.name} failed: {task.message or task.reason}"
        if condition.reason == "PipelineRunTimeout":
            return "The run took longer than its timeout"
    return _cleaned(condition.message)


def _succeeded(conditions: list[wire.TektonCondition] | None) -> wire.TektonCondition:
    """An object that was just created has none (T1): then `type` is ""."""
    return next((c for c in conditions or [] if c.type == "Succeeded"), wire.TektonCondition())


def _pipeline(run: wire.TektonPipelineRun) -> str:
    """The controller adds the label later (T13)."""
    named = run.spec.pipeline_ref.name if run.spec.pipeline_ref else ""
    return named or (run.metadata.labels or {}).get("tekton.dev/pipeline", "")


def _texts(values: list[wire.NamedValue] | None) -> dict[str, str]:
    return {value.name: _text(value.value) for value in values or []}


def _text(value: Any) -> str:
    return value.rstrip("\n") if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cleaned(message: str) -> str:
    message = " ".join(message.removeprefix(USER_ERROR).split())
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
