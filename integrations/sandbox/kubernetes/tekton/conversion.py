"""v1beta1 ⇄ v1 of runs: the renames of T16, which the conversion webhook makes."""

import copy
from typing import Any

Object = dict[str, Any]


def convert(obj: Object, version: str) -> Object:
    """`obj` in `version` ("v1" or "v1beta1"); a copy."""
    present = obj["apiVersion"].rpartition("/")[2]
    result = copy.deepcopy(obj)
    if present == version:
        return result
    result["apiVersion"] = f"tekton.dev/{version}"
    table = {"PipelineRun": (_run_to_v1, _run_to_v1beta1), "TaskRun": (_task_run_to_v1, _task_run_to_v1beta1)}
    if steps := table.get(obj["kind"]):
        steps[version == "v1beta1"](result.setdefault("spec", {}), result.get("status") or {})
    for task in task_specs(result):
        for step in task.get("steps") or []:
            _rename(step, "resources", "computeResources", forward=version == "v1")
    return result


def _rename(target: Object, beta: str, stable: str, forward: bool) -> None:
    source, destination = (beta, stable) if forward else (stable, beta)
    if source in target:
        target[destination] = target.pop(source)


def _run_to_v1(spec: Object, status: Object) -> None:
    if "timeout" in spec:
        spec.setdefault("timeouts", {}).setdefault("pipeline", spec.pop("timeout"))
    for name in ("serviceAccountName", "podTemplate"):
        if name in spec:
            spec.setdefault("taskRunTemplate", {})[name] = spec.pop(name)
    for task in spec.get("taskRunSpecs") or []:
        _rename(task, "taskServiceAccountName", "serviceAccountName", forward=True)
        _rename(task, "taskPodTemplate", "podTemplate", forward=True)
        _rename(task, "stepOverrides", "stepSpecs", forward=True)
        _rename(task, "sidecarOverrides", "sidecarSpecs", forward=True)
    _rename(status, "pipelineResults", "results", forward=True)


def _run_to_v1beta1(spec: Object, status: Object) -> None:
    spec.update(spec.pop("taskRunTemplate", {}))
    for task in spec.get("taskRunSpecs") or []:
        _rename(task, "taskServiceAccountName", "serviceAccountName", forward=False)
        _rename(task, "taskPodTemplate", "podTemplate", forward=False)
        _rename(task, "stepOverrides", "stepSpecs", forward=False)
        _rename(task, "sidecarOverrides", "sidecarSpecs", forward=False)
    _rename(status, "pipelineResults", "results", forward=False)


def _task_run_to_v1(spec: Object, status: Object) -> None:
    _rename(spec, "stepOverrides", "stepSpecs", forward=True)
    _rename(spec, "sidecarOverrides", "sidecarSpecs", forward=True)
    _rename(status, "taskResults", "results", forward=True)


def _task_run_to_v1beta1(spec: Object, status: Object) -> None:
    _rename(spec, "stepOverrides", "stepSpecs", forward=False)
    _rename(spec, "sidecarOverrides", "sidecarSpecs", forward=False)
    _rename(status, "taskResults", "results", forward=False)


def task_specs(obj: Object) -> list[Object]:
    """Every Task written out inside `obj`: its own, inline ones, and those that the status repeats."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if obj["kind"] == "Task":
        return [spec]
    pipelines = [spec] if obj["kind"] == "Pipeline" else []
    pipelines += [pipeline for pipeline in (spec.get("pipelineSpec"), status.get("pipelineSpec")) if pipeline]
    tasks = [task for pipeline in pipelines for part in ("tasks", "finally") for task in pipeline.get(part) or []]
    inline = [task["taskSpec"] for task in tasks if task.get("taskSpec")]
    return inline + [found for found in (spec.get("taskSpec"), status.get("taskSpec")) if found]
