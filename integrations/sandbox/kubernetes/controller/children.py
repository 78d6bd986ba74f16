"""The TaskRuns that a PipelineRun makes, and the claims that they share."""

from typing import Any

from .cluster import child_name, owner_reference

Object = dict[str, Any]


def claim_name(run: Object, workspace: str) -> str:
    """The claim made from the volumeClaimTemplate of this workspace."""
    return f"pvc-{run['metadata']['uid'][:10]}-{workspace[:20]}"


def task_run(run: Object, pipeline: str, task: Object, member: str) -> Object:
    """What the controller creates for one task; `member` = tasks or finally (T13)."""
    metadata = run["metadata"]
    labels = {
        **(metadata.get("labels") or {}),
        "app.kubernetes.io/managed-by": "tekton-pipelines",
        "tekton.dev/pipeline": pipeline,
        "tekton.dev/pipelineRun": metadata["name"],
        "tekton.dev/pipelineRunUID": metadata["uid"],
        "tekton.dev/pipelineTask": task["name"],
        "tekton.dev/memberOf": member,
    }
    spec: Object = {"serviceAccountName": run["spec"]["taskRunTemplate"]["serviceAccountName"]}
    if "taskSpec" in task:
        inline = ("apiVersion", "kind", "metadata", "spec")
        spec["taskSpec"] = {key: value for key, value in task["taskSpec"].items() if key not in inline}
    else:
        spec["taskRef"] = {"name": task["taskRef"]["name"], "kind": "Task"}
        labels["tekton.dev/task"] = task["taskRef"]["name"]
    for name in ("params", "timeout", "retries"):
        if name in task:
            spec[name] = task[name]
    if bindings := _workspaces(run, task):
        spec["workspaces"] = bindings
    name = child_name(metadata["name"], f"-{task['name']}")
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner_reference(run)]},
        "spec": spec,
    }


def _workspaces(run: Object, task: Object) -> list[Object]:
    """A claim template becomes the claim that was made of it."""
    bound = {workspace["name"]: workspace for workspace in run["spec"].get("workspaces") or []}
    found = []
    for wanted in task.get("workspaces") or []:
        source = bound.get(wanted.get("workspace") or wanted["name"])
        if source is None:
            continue
        binding = {**source, "name": wanted["name"]}
        if "volumeClaimTemplate" in binding:
            del binding["volumeClaimTemplate"]
            binding["persistentVolumeClaim"] = {"claimName": claim_name(run, source["name"])}
        found.append(binding)
    return found
