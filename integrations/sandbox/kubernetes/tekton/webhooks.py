"""Tekton's admission webhooks: what they write into a posted object (T11) and what they refuse (T9, T12)."""

import copy
from typing import Any

from integrations.sandbox.kubernetes.durations import seconds
from integrations.sandbox.kubernetes.errors import denied

from . import shapes
from .conversion import task_specs
from .definitions import pipeline_faults, task_faults
from .faults import Fault, both, invalid_value, missing_field, neither

MUTATING = "webhook.pipeline.tekton.dev"
VALIDATING = "validation.webhook.pipeline.tekton.dev"

DEFAULT_TIMEOUT = "1h0m0s"
RUN_STATUSES = ("Cancelled", "CancelledRunFinally", "StoppedRunFinally", "PipelineRunPending")
TASK_RUN_STATUSES = ("TaskRunCancelled", "TaskRunPending")
WORKSPACE_SOURCES = (
    "volumeClaimTemplate", "persistentVolumeClaim", "emptyDir", "configMap", "secret", "projected", "csi",
)  # fmt: skip

Object = dict[str, Any]


def mutate(obj: Object) -> Object:
    """The defaulted copy of a v1 object. Raises ApiError 400 for fields that the webhook cannot decode."""
    spec = obj.get("spec") or {}
    if obj["kind"] in shapes.SPECS and (unknown := shapes.unknown_fields(obj["kind"], spec)):
        raise denied(
            MUTATING, f'mutation failed: cannot decode incoming new object: json: unknown field "{unknown[0]}"'
        )
    obj = copy.deepcopy(obj)
    if obj["kind"] == "PipelineRun":
        _default_pipeline_run(obj.setdefault("spec", {}))
    elif obj["kind"] == "TaskRun":
        _default_task_run(obj.setdefault("spec", {}))
    for task in task_specs(obj):
        for step in task.get("steps") or []:
            # The webhook is written in Go, where this field is a text that is never left out.
            step.setdefault("name", "")
    return obj


def _default_pipeline_run(spec: Object) -> None:
    spec.setdefault("timeouts", {}).setdefault("pipeline", DEFAULT_TIMEOUT)
    spec.setdefault("taskRunTemplate", {}).setdefault("serviceAccountName", "default")


def _default_task_run(spec: Object) -> None:
    spec.setdefault("timeout", DEFAULT_TIMEOUT)
    spec.setdefault("serviceAccountName", "default")
    if "taskRef" in spec and "resolver" not in spec["taskRef"]:
        spec["taskRef"].setdefault("kind", "Task")


def validate(obj: Object, old: Object | None) -> None:
    """Raises ApiError 400, in the webhook's words, for a static fault or a change that comes too late."""
    if faults := _faults(obj, old):
        raise denied(VALIDATING, "validation failed: " + "\n".join(str(fault) for fault in faults))


def _faults(obj: Object, old: Object | None) -> list[Fault]:
    match obj["kind"]:
        case "PipelineRun":
            return _pipeline_run_faults(obj, old)
        case "TaskRun":
            return _task_run_faults(obj, old)
        case "Pipeline":
            return pipeline_faults(obj.get("spec") or {}, "spec")
        case "Task":
            return task_faults(obj.get("spec") or {}, "spec")
    return []


def _pipeline_run_faults(obj: Object, old: Object | None) -> list[Fault]:
    spec = obj["spec"]
    if old is not None and (late := _late_change("PipelineRun", spec, old)):
        return late
    faults = _one_of(spec, "pipelineRef", "pipelineSpec")
    if "pipelineRef" in spec and "pipelineSpec" not in spec:
        reference = spec["pipelineRef"] or {}
        if not reference.get("name") and not reference.get("resolver"):
            faults.append(missing_field("spec.pipelineRef.name"))
    elif "pipelineSpec" in spec and "pipelineRef" not in spec:
        faults += pipeline_faults(spec["pipelineSpec"] or {}, "spec.pipelineSpec")
    faults += _binding_faults(spec)
    faults += _timeout_faults(spec.get("timeouts") or {})
    status = spec.get("status", "")
    if status and status not in RUN_STATUSES:
        faults.append(
            invalid_value(f"{status} should be {', '.join(RUN_STATUSES[:-1])} or {RUN_STATUSES[-1]}", "spec.status")
        )
    if status == "PipelineRunPending" and old is not None and (old.get("status") or {}).get("startTime"):
        faults.append(invalid_value("PipelineRun cannot be Pending after it is started", "spec.status"))
    return faults


def _task_run_faults(obj: Object, old: Object | None) -> list[Fault]:
    spec = obj["spec"]
    if old is not None and (late := _late_change("TaskRun", spec, old)):
        return late
    faults = _one_of(spec, "taskRef", "taskSpec")
    if "taskRef" in spec and not (spec["taskRef"].get("name") or spec["taskRef"].get("resolver")):
        faults.append(missing_field("spec.taskRef.name"))
    if "taskSpec" in spec and "taskRef" not in spec:
        faults += task_faults(spec["taskSpec"] or {}, "spec.taskSpec")
    faults += _binding_faults(spec)
    status = spec.get("status", "")
    if status and status not in TASK_RUN_STATUSES:
        faults.append(invalid_value(f"{status} should be {' or '.join(TASK_RUN_STATUSES)}", "spec.status"))
    return faults


def _late_change(kind: str, spec: Object, old: Object) -> list[Fault]:
    """T9: nothing may change once it is complete; only `status` while it runs."""
    if spec == old["spec"]:
        return []
    status = old.get("status") or {}
    conditions = status.get("conditions") or [{}]
    if conditions[0].get("status") in ("True", "False"):
        return [Fault(f"invalid value: Once the {kind} is complete, no updates are allowed")]
    allowed = {"status", "statusMessage"}
    frozen = [{k: v for k, v in s.items() if k not in allowed} for s in (spec, old["spec"])]
    if status.get("startTime") and frozen[0] != frozen[1]:
        return [Fault(f"invalid value: Once the {kind} has started, only status updates are allowed")]
    return []


def _one_of(spec: Object, first: str, second: str) -> list[Fault]:
    paths = (f"spec.{first}", f"spec.{second}")
    if first in spec and second in spec:
        return [both(*paths)]
    if first not in spec and second not in spec:
        return [neither(*paths)]
    return []


def _binding_faults(spec: Object) -> list[Fault]:
    faults: list[Fault] = []
    names: set[str] = set()
    for param in spec.get("params") or []:
        if param.get("name") in names:
            faults.append(Fault(f"expected exactly one, got both: spec.params[{param['name']}].name"))
        names.add(param.get("name", ""))
    bound: set[str] = set()
    for index, workspace in enumerate(spec.get("workspaces") or []):
        path = f"spec.workspaces[{index}]"
        if workspace.get("name") in bound:
            faults.append(Fault(f'workspace "{workspace["name"]}" provided by run more than once, at index {index}'))
        bound.add(workspace.get("name", ""))
        sources = [source for source in WORKSPACE_SOURCES if source in workspace]
        if len(sources) > 1:
            faults.append(both(*(f"{path}.{source}" for source in sources)))
        elif not sources:
            faults.append(neither(*(f"{path}.{source}" for source in WORKSPACE_SOURCES)))
    return faults


def _timeout_faults(timeouts: Object) -> list[Fault]:
    """T11: `0` = none; tasks and finally together may not exceed the pipeline's."""
    parsed: dict[str, float] = {}
    for name, text in timeouts.items():
        try:
            parsed[name] = seconds(str(text))
        except ValueError as error:
            return [invalid_value(str(error), f"spec.timeouts.{name}")]
    whole = parsed.get("pipeline", 0.0)
    inner = parsed.get("tasks", 0.0) + parsed.get("finally", 0.0)
    if whole and inner > whole:
        return [invalid_value(f"{inner:g}s should be <= pipeline duration", "spec.timeouts")]
    return []
