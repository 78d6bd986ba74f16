"""How a controller reads and writes objects: read, change, write back, as one step of the event loop."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from integrations.sandbox.clock import Clock, rfc3339
from integrations.sandbox.kubernetes.errors import ApiError
from integrations.sandbox.kubernetes.logs import PodLogs
from integrations.sandbox.kubernetes.operations import Operations
from integrations.sandbox.kubernetes.resources import Resource, by_kind
from integrations.sandbox.kubernetes.store import ObjectKey

Object = dict[str, Any]


class GoneError(Exception):
    """The object that the controller works on was deleted under it."""


def served(api_version: str, kind: str) -> Resource:
    resource = by_kind(api_version, kind)
    if resource is None:
        raise ValueError(f"{api_version} {kind} is not served")
    return resource


PIPELINE_RUN = served("tekton.dev/v1", "PipelineRun")
TASK_RUN = served("tekton.dev/v1", "TaskRun")
PIPELINE = served("tekton.dev/v1", "Pipeline")
TASK = served("tekton.dev/v1", "Task")
POD = served("v1", "Pod")
EVENT = served("v1", "Event")
CLAIM = served("v1", "PersistentVolumeClaim")


class Cluster:
    def __init__(self, operations: Operations, logs: PodLogs, clock: Clock) -> None:
        self._operations = operations
        self.logs = logs
        self.clock = clock

    def now(self) -> str:
        return rfc3339(self.clock.now())

    def moment(self) -> datetime:
        return self.clock.now()

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self._operations.store.get(ObjectKey(resource.group, resource.plural, namespace, name))

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Raises GoneError."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise GoneError(f"{resource.kind} {namespace}/{name}")
        return found

    def create(self, resource: Resource, namespace: str, obj: Object) -> Object:
        return self._operations.create(resource, namespace, obj)

    def update_status(self, resource: Resource, namespace: str, name: str, change: Callable[[Object], None]) -> Object:
        """`change` edits the status in place. Raises GoneError."""
        obj = self.get(resource, namespace, name)
        change(obj.setdefault("status", {}))
        return self._operations.update(resource, obj, "status")

    def update(self, resource: Resource, namespace: str, name: str, change: Callable[[Object], None]) -> Object:
        """`change` edits the whole object in place; its status is not written. Raises GoneError."""
        obj = self.get(resource, namespace, name)
        change(obj)
        return self._operations.update(resource, obj)

    def delete_pod(self, namespace: str, name: str) -> None:
        """T10: its logs go with it."""
        try:
            pod = self._operations.delete(POD, namespace, name)
        except ApiError:
            return
        self.logs.drop(pod["metadata"]["uid"])


def owner_reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def child_name(parent: str, suffix: str) -> str:
    """`<parent><suffix>`, hashed beyond 63 characters (T5)."""
    name = parent + suffix
    if len(name) <= 63:
        return name
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{parent[: max(0, 63 - 32 - len(suffix))]}{digest}{suffix}" if len(suffix) < 31 else f"{name[:31]}{digest}"


def condition(status: str, reason: str, message: str, at: str) -> list[Object]:
    """T1: the one condition that Tekton has."""
    return [{"type": "Succeeded", "status": status, "reason": reason, "message": message, "lastTransitionTime": at}]


def verdict(obj: Object) -> str:
    """ "True", "False" or "Unknown"; a run without a status is Unknown (T1)."""
    conditions = (obj.get("status") or {}).get("conditions") or [{}]
    return str(conditions[0].get("status", "Unknown"))
