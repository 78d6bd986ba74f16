"""The pods of TaskRuns (T14): their containers, and what the kubelet says about them."""

import hashlib
from collections.abc import Sequence
from typing import Any

from .cluster import owner_reference

Object = dict[str, Any]

INIT_CONTAINERS = ("prepare", "place-scripts")
_ENTRYPOINT = "gcr.io/tekton-releases/github.com/tektoncd/pipeline/cmd/entrypoint:v1.15.0"


def containers(task_spec: Object) -> list[tuple[str, str, Object]]:
    """Each step's name, container and definition: `step-<name>`, `step-unnamed-<i>` without a name."""
    found = []
    for index, step in enumerate(task_spec.get("steps") or []):
        name = step.get("name") or f"unnamed-{index}"
        found.append((name, f"step-{name}", step))
    return found


def pod_name(task_run: str, attempt: int) -> str:
    return f"{task_run}-pod" + (f"-retry{attempt}" if attempt else "")


def pod(task_run: Object, task_spec: Object, name: str) -> Object:
    metadata = task_run["metadata"]
    labels = {
        **(metadata.get("labels") or {}),
        "app.kubernetes.io/managed-by": "tekton-pipelines",
        "tekton.dev/taskRun": metadata["name"],
        "tekton.dev/taskRunUID": metadata["uid"],
    }
    steps = [
        {"name": container, "image": str(step.get("image", "")), "command": ["/tekton/bin/entrypoint"],
         "terminationMessagePath": "/tekton/termination"}
        for _, container, step in containers(task_spec)
    ]  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner_reference(task_run)]},
        "spec": {
            "serviceAccountName": task_run["spec"].get("serviceAccountName", "default"),
            "restartPolicy": "Never",
            "nodeName": "sandbox-node-1",
            "initContainers": [{"name": init, "image": _ENTRYPOINT} for init in INIT_CONTAINERS],
            "containers": steps,
        },
    }


def image_id(image: str) -> str:
    repository = image.partition("@")[0].rpartition(":")[0] or image
    return f"{repository}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def waiting_status(pod_spec: Object) -> Object:
    statuses = [_container_status(c, {"waiting": {"reason": "PodInitializing"}}) for c in pod_spec["containers"]]
    return {"phase": "Pending", "containerStatuses": statuses}


def running_status(pod_spec: Object, at: str) -> Object:
    """All step containers start together and wait in turn (T15)."""
    statuses = [_container_status(c, {"running": {"startedAt": at}}) for c in pod_spec["containers"]]
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": at}]
    return {"phase": "Running", "startTime": at, "conditions": conditions, "containerStatuses": statuses}


def ended_status(pod_spec: Object, steps: Sequence[Object], start: str) -> Object:
    ended = {step["container"]: step["terminated"] for step in steps if "terminated" in step}
    statuses = []
    for container in pod_spec["containers"]:
        state = {"terminated": ended[container["name"]]} if container["name"] in ended else {}
        statuses.append(_container_status(container, state))
    failed = any(terminated["exitCode"] for terminated in ended.values())
    return {"phase": "Failed" if failed else "Succeeded", "startTime": start, "containerStatuses": statuses}


def _container_status(container: Object, state: Object) -> Object:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": image_id(container["image"]),
        "ready": "running" in state,
        "restartCount": 0,
        "state": state,
    }
