"""What an application owns: tree, managed resources, logs (A21, A25)."""

import copy
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from integrations.sandbox.argocd.api import API, one_project
from integrations.sandbox.argocd.cluster import ReplicaSet, ResourceKey
from integrations.sandbox.argocd.comparison import Difference, compare
from integrations.sandbox.argocd.errors import Code, StatusError
from integrations.sandbox.argocd.store import qualified_name
from integrations.sandbox.argocd.transformers import merge
from integrations.sandbox.argocd.tree import find_pods, resource_tree
from integrations.sandbox.clock import rfc3339

_FOLLOW_SECONDS = 2.0


class ResourceRoutes:
    def __init__(self, api: API) -> None:
        self._api = api

    def routes(self) -> list[Route]:
        one = "/api/v1/applications/{name}"
        return [
            Route(f"{one}/resource-tree", self.tree),
            Route(f"{one}/managed-resources", self.managed),
            Route(f"{one}/logs", self.logs),
            Route(f"{one}/pods/{{podName}}/logs", self.logs),
        ]

    async def tree(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request))
        return JSONResponse(resource_tree(self._api.store.live[qualified_name(application)]))

    async def managed(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request))
        name = qualified_name(application)
        differences = compare(self._api.store.targets[name], self._api.store.live[name])
        query = {field: request.query_params.get(field) for field in ("group", "kind", "namespace", "name")}
        items = [
            _managed(one)
            for one in differences
            if all(not wanted or wanted == getattr(one.key, field) for field, wanted in query.items())
        ]
        return JSONResponse({"items": items} if items else {})

    async def logs(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request), resource="logs")
        query = request.query_params
        wanted = request.path_params.get("podName") or query.get("podName")
        pods = find_pods(self._api.store.live[qualified_name(application)])
        chosen = {pod: found for pod, found in pods.items() if wanted in {None, "", pod} and _of(found[0], query)}
        if not chosen:
            raise StatusError(Code.NOT_FOUND, f'pods "{wanted}" not found' if wanted else "no pods found")
        tail = int(query.get("tailLines") or 0)
        follow = query.get("follow") == "true"
        return StreamingResponse(self._log_stream(chosen, tail, follow), media_type="application/json")

    async def _log_stream(
        self, pods: dict[str, tuple[ResourceKey, ReplicaSet]], tail: int, follow: bool
    ) -> AsyncIterator[bytes]:
        for pod, (_, one) in pods.items():
            for line in _lines(one)[-tail:]:
                yield self._entry(pod, line)
        while follow:
            await self._api.clock.sleep(_FOLLOW_SECONDS)
            for pod, (_, one) in pods.items():
                if one.state == "ready":
                    yield self._entry(pod, 'level=info msg="GET /readyz" status=200')
        yield self._entry("", "", last=True)

    def _entry(self, pod: str, content: str, *, last: bool = False) -> bytes:
        now = rfc3339(self._api.clock.now())
        entry: dict[str, Any] = {
            "content": content,
            "timeStamp": now,
            "timeStampStr": now,
            "podName": pod,
            "last": last,
        }
        return json.dumps({"result": entry}).encode() + b"\n"


def _of(owner: ResourceKey, query: Any) -> bool:
    """`kind` and `resourceName` pick the pods below one workload."""
    return query.get("kind") in {None, "", "Pod", owner.kind} and query.get("resourceName") in {None, "", owner.name}


def _lines(one: ReplicaSet) -> list[str]:
    start = [f'level=info msg="starting" image={image}' for image in one.images]
    if one.state == "CrashLoopBackOff":
        return [*start, 'level=error msg="database migration failed" error="relation \\"orders\\" is locked"', "exit 1"]
    if one.state == "ready":
        return [*start, 'level=info msg="listening" address=:8080', 'level=info msg="ready"']
    return [] if one.state == "ImagePullBackOff" else start


def _managed(one: Difference) -> dict[str, Any]:
    """The states are JSON inside a string; one that is absent is the string `null` (A21)."""
    live = json.dumps(_masked(one.live))
    normalized = json.dumps(_masked(_normalized(one.live)))
    target = json.dumps(_masked(one.target))
    predicted = copy.deepcopy(_normalized(one.live) or {})
    merge(predicted, one.target or {})
    entry = {name: value for name, value in one.reference().items() if name != "version"}
    entry |= {
        "liveState": live,
        "targetState": target,
        "normalizedLiveState": normalized,
        "predictedLiveState": json.dumps(_masked(predicted) if predicted else None),
    }
    if one.live is not None:
        entry["resourceVersion"] = one.live["metadata"]["resourceVersion"]
    return entry | ({} if one.synced else {"modified": True})


def _normalized(live: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without what the API server keeps for itself: it is in no manifest."""
    if live is None:
        return None
    metadata = {name: value for name, value in live["metadata"].items() if name != "managedFields"}
    return live | {"metadata": metadata}


def _masked(manifest: dict[str, Any] | None) -> dict[str, Any] | None:
    if manifest is None or manifest["kind"] != "Secret":
        return manifest
    secret = [field for field in ("data", "stringData") if field in manifest]
    return manifest | {field: dict.fromkeys(manifest[field], "++++++++") for field in secret}
