"""The Application objects, as Kubernetes holds them, and the word of each change to them."""

import asyncio
import copy
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.argocd.cluster import Live
from integrations.sandbox.clock import rfc3339

Application = dict[str, Any]
Event = tuple[str, Application]

# The API server's buffer for one subscriber; what does not fit is lost without a word (A10).
SUBSCRIBER_BUFFER = 1000

NAMESPACE = "argocd"
"""of Argo CD itself; Applications may be in others"""


def qualified_name(application: Application) -> str:
    """Argo CD's own qualified name: `namespace/name`, without the namespace for Argo CD's own."""
    metadata = application["metadata"]
    name, namespace = str(metadata["name"]), metadata.get("namespace") or NAMESPACE
    return name if namespace == NAMESPACE else f"{namespace}/{name}"


class Store:
    """Applications by their key, their live objects, and the projects."""

    def __init__(self) -> None:
        self.applications: dict[str, Application] = {}
        self.projects: dict[str, dict[str, Any]] = {}
        self.live: dict[str, Live] = {}
        self.targets: dict[str, list[dict[str, Any]]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.resource_version = 1000
        self._subscribers: set[asyncio.Queue[Event]] = set()
        self._callbacks: list[Callable[[], None]] = []

    def add(self, manifest: Application) -> str:
        """Take an Application manifest in, or its new spec when it is known. Returns its key."""
        name = qualified_name(manifest)
        if name in self.applications:
            if self.applications[name]["spec"] != manifest["spec"]:
                with self.edit(name) as application:
                    application["spec"] = copy.deepcopy(manifest["spec"])
                    application["metadata"]["generation"] += 1
            return name
        application = copy.deepcopy({key: manifest[key] for key in ("apiVersion", "kind", "metadata", "spec")})
        application["metadata"] = {"namespace": NAMESPACE} | application["metadata"] | {
            "uid": str(uuid.uuid4()),
            "creationTimestamp": rfc3339(datetime.now(UTC)),
            "generation": 1,
        }  # fmt: skip
        application["status"] = {}
        self.applications[name] = application
        self.live[name] = Live(application["metadata"]["uid"])
        self.targets[name] = []
        self.events[name] = []
        self._changed("ADDED", application)
        return name

    def add_project(self, manifest: dict[str, Any]) -> None:
        project = copy.deepcopy(manifest)
        project["metadata"] = {"namespace": NAMESPACE, "uid": str(uuid.uuid4())} | project["metadata"]
        self.projects[project["metadata"]["name"]] = project

    def delete(self, name: str) -> None:
        application = self.applications.pop(name)
        for table in (self.live, self.targets, self.events):
            table.pop(name)
        self._changed("DELETED", application)

    @contextmanager
    def edit(self, name: str) -> Iterator[Application]:
        """One write: whatever the block changes becomes one MODIFIED event. No change, no event."""
        application = self.applications[name]
        before = copy.deepcopy(application)
        yield application
        if application != before:
            self._changed("MODIFIED", application)

    def windows(self, application: Application) -> list[dict[str, Any]]:
        """The sync windows of its project, whether they concern it or not."""
        project = self.projects.get(application["spec"]["project"], {})
        found: list[dict[str, Any]] = project.get("spec", {}).get("syncWindows") or []
        return found

    def interrupt(self, error: Exception) -> None:
        """End every open stream with an error in its last line (A9)."""
        for queue in self._subscribers:
            if not queue.full():
                queue.put_nowait(("ERROR", {"error": error}))

    def touch(self) -> None:
        """Something that only the world's panel shows has changed (the pods below an application)."""
        for callback in self._callbacks:
            callback()

    @contextmanager
    def subscribed(self) -> Iterator[asyncio.Queue[Event]]:
        queue: asyncio.Queue[Event] = asyncio.Queue(SUBSCRIBER_BUFFER)
        self._subscribers.add(queue)
        try:
            yield queue
        finally:
            self._subscribers.discard(queue)

    def on_change(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    @contextmanager
    def watched(self, callback: Callable[[], None]) -> Iterator[None]:
        self._callbacks.append(callback)
        try:
            yield
        finally:
            self._callbacks.remove(callback)

    def _changed(self, kind: str, application: Application) -> None:
        self.resource_version += 1
        application["metadata"]["resourceVersion"] = str(self.resource_version)
        event = (kind, copy.deepcopy(application))
        for queue in self._subscribers:
            if not queue.full():
                queue.put_nowait(event)
        self.touch()
