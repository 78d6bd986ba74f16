"""The fields that Tekton's webhooks know; a field that is not here is refused when it is posted (T12).

`None` = anything goes below this field (a pod template, a volume, a parameter's value). A list has one entry: the
shape of its items.
"""

from collections.abc import Iterator
from typing import Any

Shape = dict[str, Any] | list[Any] | None

PARAM: Shape = {"name": None, "value": None}
PARAM_SPEC: Shape = {
    "name": None, "type": None, "description": None, "default": None, "properties": None, "enum": None,
}  # fmt: skip
RESOLVER: dict[str, Any] = {"resolver": None, "params": [PARAM]}
WHEN: Shape = {"input": None, "operator": None, "values": None, "cel": None}
RESULT: Shape = {"name": None, "type": None, "description": None, "value": None, "properties": None}
WORKSPACE_BINDING: Shape = {
    "name": None, "subPath": None, "volumeClaimTemplate": None,
    "persistentVolumeClaim": {"claimName": None, "readOnly": None},
    "emptyDir": None, "configMap": None, "secret": None, "projected": None, "csi": None,
}  # fmt: skip
WORKSPACE_DECLARATION: Shape = {
    "name": None, "description": None, "mountPath": None, "readOnly": None, "optional": None,
}  # fmt: skip
STEP: Shape = dict.fromkeys(
    ("name", "displayName", "image", "command", "args", "workingDir", "envFrom", "env", "computeResources",
     "volumeMounts", "volumeDevices", "imagePullPolicy", "securityContext", "script", "timeout", "workspaces",
     "onError", "stdoutConfig", "stderrConfig", "ref", "params", "results", "when")
)  # fmt: skip
TASK_SPEC: dict[str, Any] = {
    "params": [PARAM_SPEC], "displayName": None, "description": None, "steps": [STEP], "volumes": None,
    "stepTemplate": None, "sidecars": None, "workspaces": [WORKSPACE_DECLARATION], "results": [RESULT],
}  # fmt: skip
EMBEDDED_TASK: Shape = {**TASK_SPEC, "apiVersion": None, "kind": None, "spec": None, "metadata": None}
PIPELINE_TASK: Shape = {
    "name": None, "displayName": None, "description": None,
    "taskRef": {"name": None, "kind": None, "apiVersion": None, **RESOLVER}, "taskSpec": EMBEDDED_TASK,
    "when": [WHEN], "retries": None, "runAfter": None, "params": [PARAM], "matrix": None,
    "workspaces": [{"name": None, "workspace": None, "subPath": None}], "timeout": None,
    "pipelineRef": None, "pipelineSpec": None, "onError": None,
}  # fmt: skip
PIPELINE_SPEC: dict[str, Any] = {
    "displayName": None, "description": None, "tasks": [PIPELINE_TASK], "params": [PARAM_SPEC],
    "workspaces": [{"name": None, "description": None, "optional": None}], "results": [RESULT],
    "finally": [PIPELINE_TASK],
}  # fmt: skip
PIPELINE_RUN_SPEC: dict[str, Any] = {
    "pipelineRef": {"name": None, "apiVersion": None, **RESOLVER}, "pipelineSpec": PIPELINE_SPEC, "params": [PARAM],
    "status": None, "timeouts": {"pipeline": None, "tasks": None, "finally": None},
    "taskRunTemplate": {"podTemplate": None, "serviceAccountName": None}, "workspaces": [WORKSPACE_BINDING],
    "taskRunSpecs": [
        {"pipelineTaskName": None, "serviceAccountName": None, "podTemplate": None, "stepSpecs": None,
         "sidecarSpecs": None, "metadata": None, "computeResources": None, "timeout": None}
    ],
    "managedBy": None,
}  # fmt: skip
TASK_RUN_SPEC: dict[str, Any] = {
    "debug": None, "params": [PARAM], "serviceAccountName": None,
    "taskRef": {"name": None, "kind": None, "apiVersion": None, **RESOLVER}, "taskSpec": TASK_SPEC, "status": None,
    "statusMessage": None, "retries": None, "timeout": None, "podTemplate": None, "workspaces": [WORKSPACE_BINDING],
    "stepSpecs": None, "sidecarSpecs": None, "computeResources": None, "managedBy": None,
}  # fmt: skip

SPECS: dict[str, dict[str, Any]] = {
    "Pipeline": PIPELINE_SPEC,
    "Task": TASK_SPEC,
    "PipelineRun": PIPELINE_RUN_SPEC,
    "TaskRun": TASK_RUN_SPEC,
}


def unknown_fields(kind: str, spec: Any) -> list[str]:
    """The names, innermost only, that a decoder of `kind` stumbles over."""
    return list(_unknown(spec, SPECS[kind]))


def _unknown(value: Any, shape: Shape) -> Iterator[str]:
    if isinstance(shape, list):
        for item in value if isinstance(value, list) else ():
            yield from _unknown(item, shape[0])
    elif isinstance(shape, dict) and isinstance(value, dict):
        for key, item in value.items():
            if key in shape:
                yield from _unknown(item, shape[key])
            else:
                yield key
