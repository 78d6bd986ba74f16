"""A Kubernetes API server on a real socket, with the types of Tekton Pipelines."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultBoard, WeatherMiddleware

from . import access_reviews, discovery, logs, rbac
from .admission import Admission, Decoded
from .authentication import ADMINISTRATORS, Authenticator, User, service_account
from .crds import CustomResourceDefinitions
from .errors import ApiError, bad_request, forbidden
from .listing import list_objects
from .operations import Operations
from .patches import APPLY_PATCH
from .requests import RequestInfo, body, content_type, parse, parsed_body
from .resources import AUTHORIZATION, RBAC, by_kind
from .store import Change, Key, ObjectStore
from .tekton.conversion import convert
from .watching import Watch, WatchPolicy

Object = dict[str, Any]

_HEALTH_PATHS = ("/healthz", "/livez", "/readyz")


class KubernetesServer:
    """The API server. `.app` is what to serve; `.store` and `.operations` are the world's own way in.

    token: belongs to a cluster administrator (group system:masters); others come from `add_user` and
    `service_account_token`, and are held to the Role objects in the store. crds: a folder of CRD manifests whose
    schemas are enforced too; Tekton's own webhooks check objects with or without it.
    """

    def __init__(self, clock: Clock, token: str, faults: FaultBoard | None = None, crds: Path | None = None) -> None:
        self.store = ObjectStore()
        self.logs = logs.PodLogs()
        self.watch_policy = WatchPolicy()
        self._admission = Admission(CustomResourceDefinitions(crds))
        self.operations = Operations(self.store, self._admission, clock)
        self._authorizer = rbac.Authorizer(self.store)
        self.authenticator = Authenticator(self._authorizer)
        self.authenticator.accept(token, User("kubernetes-admin", (ADMINISTRATORS, "system:authenticated")))
        self.app: ASGIApp = self._serve if faults is None else WeatherMiddleware(self._serve, faults, "kubernetes")
        for namespace in ("default", "kube-system"):
            self.ensure_namespace(namespace)
        self.load([{"apiVersion": f"{RBAC}/v1", **manifest} for manifest in rbac.BUILT_IN])

    # The world's own way in.

    def add_user(self, token: str, name: str, groups: Iterable[str] = ()) -> None:
        self.authenticator.accept(token, User(name, (*groups, "system:authenticated")))

    def service_account_token(self, namespace: str, name: str) -> str:
        """A token of that service account, held to what RBAC objects grant it."""
        return self.authenticator.issue(service_account(namespace, name))

    def ensure_namespace(self, name: str) -> None:
        if self.store.get(Key("", "namespaces", "", name)) is None:
            self.load([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
            self.load([account])

    def load(self, manifests: str | Iterable[Mapping[str, Any]]) -> list[Object]:
        """Create, or replace, every object of a YAML text or a list; kinds not served here are left out.

        The namespaces that they name are created. Raises ApiError for what the server would refuse.
        """
        objects = YAML(typ="safe").load_all(manifests) if isinstance(manifests, str) else manifests
        return [
            loaded for obj in objects if obj and (loaded := self._load_one(json.loads(json.dumps(obj, default=str))))
        ]

    def _load_one(self, obj: Object) -> Object | None:
        version = obj["apiVersion"].rpartition("/")[2]
        resource = by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            return None
        namespace = obj["metadata"].get("namespace", "default") if resource.namespaced else ""
        if namespace:
            self.ensure_namespace(namespace)
        decoded = self._admission.decode(obj, resource, version, "Strict").object
        name = decoded["metadata"].get("name", "")
        old = self.store.get(Key(resource.group, resource.plural, namespace, name))
        if old is None:
            return self.operations.create(resource, namespace, decoded)
        decoded["metadata"].update(namespace=namespace, resourceVersion=old["metadata"]["resourceVersion"])
        return self.operations.update(resource, decoded)

    def compact(self, running_watches: bool = False) -> None:
        """Forget the history, so that older versions answer 410; running watches too, when asked (K1)."""
        self.store.compact()
        if running_watches:
            self.store.tell_subscribers("expired")

    def end_watches(self) -> None:
        """End every running watch cleanly, as real servers do after a while (K1)."""
        self.store.tell_subscribers("ended")

    # The wire.

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ApiError as error:
            response = JSONResponse(error.as_status(), error.code)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        user = self.authenticator.authenticate(request.headers)
        path = request.url.path.rstrip("/") or "/"
        if not _is_resource_path(path):
            self._authorize(user, rbac.Attributes("get", path=path), "", "")
            if path in _HEALTH_PATHS:
                return PlainTextResponse("ok")
            return JSONResponse(discovery.document(path))
        info = parse(request.method, path, request.query_params.get("watch") in ("true", "True", "1"))
        self._authorize(user, info.attributes, info.resource.group, info.resource.plural)
        if info.resource.group == AUTHORIZATION:
            return JSONResponse(access_reviews.answer(await body(request), user, self._authorizer), 201)
        return await self._dispatch(info, request)

    def _authorize(self, user: User, asked: rbac.Attributes, group: str, plural: str) -> None:
        if not self._authorizer.allowed(user.name, user.groups, asked):
            raise forbidden(group, plural, asked.name, self._authorizer.denial(user.name, asked))

    async def _dispatch(self, info: RequestInfo, request: Request) -> Response:
        match info.verb:
            case "watch":
                return self._watch(info, request)
            case "list":
                return JSONResponse(list_objects(self.store, info, request.query_params, _converter(info)))
            case "get":
                return self._log(info, request) if info.subresource == "log" else self._get(info)
            case "create":
                return await self._create(info, request)
            case "update":
                return await self._update(info, request)
            case "patch":
                return await self._patch(info, request)
        return await self._delete(info, request)

    def _watch(self, info: RequestInfo, request: Request) -> Response:
        watch = Watch(self.store, info, request.query_params, _converter(info), self.watch_policy)
        watch.check()
        return StreamingResponse(watch.lines(), media_type="application/json")

    def _get(self, info: RequestInfo) -> Response:
        return JSONResponse(_converter(info)(self.operations.get(info.resource, info.namespace, info.name)))

    def _log(self, info: RequestInfo, request: Request) -> Response:
        pod = self.operations.get(info.resource, info.namespace, info.name)
        asked = logs.LogRequest.parse(request.query_params, pod)
        log = self.logs.of(pod["metadata"]["uid"], asked.container)
        if not log.started:
            raise bad_request(
                f'container "{asked.container}" in pod "{info.name}" is waiting to start: PodInitializing'
            )
        return StreamingResponse(logs.read(log, asked), media_type="text/plain")

    async def _create(self, info: RequestInfo, request: Request) -> Response:
        decoded = self._decode(info, request, await body(request))
        created = self.operations.create(info.resource, info.namespace, decoded.object, _dry_run(request))
        if info.resource.kind == "Namespace":
            self.ensure_namespace(info.name)
        return _written(_converter(info)(created), decoded.warnings, 201)

    async def _update(self, info: RequestInfo, request: Request) -> Response:
        decoded = self._decode(info, request, await body(request))
        metadata = decoded.object["metadata"]
        if metadata.setdefault("name", info.name) != info.name:
            raise bad_request("the name of the object does not match the name on the URL")
        if info.namespace:
            metadata["namespace"] = info.namespace
        updated = self.operations.update(info.resource, decoded.object, info.subresource, _dry_run(request))
        return _written(_converter(info)(updated), decoded.warnings)

    async def _patch(self, info: RequestInfo, request: Request) -> Response:
        patch = await parsed_body(request)
        if content_type(request) == APPLY_PATCH:
            if not request.query_params.get("fieldManager"):
                raise bad_request(
                    "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
                )
            if self.store.get(_key(info)) is None:
                decoded = self._decode(info, request, patch)
                created = self.operations.create(info.resource, info.namespace, decoded.object, _dry_run(request))
                return _written(_converter(info)(created), decoded.warnings, 201)
        old = self.operations.get(info.resource, info.namespace, info.name)
        warnings: list[str] = []

        def decode(patched: Object) -> Object:
            decoded = self._decode(info, request, patched)
            warnings.extend(decoded.warnings)
            return decoded.object

        new = self.operations.patch(info.resource, _converter(info)(old), patch, content_type(request), decode)
        updated = self.operations.update(info.resource, new, info.subresource, _dry_run(request))
        return _written(_converter(info)(updated), warnings)

    def _decode(self, info: RequestInfo, request: Request, obj: Object) -> Decoded:
        validation = request.query_params.get("fieldValidation") or "Warn"
        return self._admission.decode(obj, info.resource, info.version, validation)

    async def _delete(self, info: RequestInfo, request: Request) -> Response:
        options = await body(request) if await request.body() else {}
        if info.verb == "deletecollection":
            found = list_objects(self.store, info, request.query_params, _converter(info))
            for item in found["items"]:
                self.delete(info, item["metadata"].get("namespace", ""), item["metadata"]["name"])
            return JSONResponse(found)
        last = self.delete(info, info.namespace, info.name, options.get("preconditions"))
        if info.resource.kind == "Pod":
            return JSONResponse(last)
        details = {"name": info.name, "group": info.resource.group, "kind": info.resource.plural}
        details["uid"] = last["metadata"]["uid"]
        return JSONResponse(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def delete(self, info: RequestInfo, namespace: str, name: str, preconditions: Object | None = None) -> Object:
        before = self.store.version
        last = self.operations.delete(info.resource, namespace, name, preconditions)
        self._forget_logs(self.store.changes_since(before))
        return last

    def _forget_logs(self, changes: list[Change]) -> None:
        for change in changes:
            if change.key.resource == "pods" and change.type == "DELETED":
                self.logs.drop(change.object["metadata"]["uid"])


def _is_resource_path(path: str) -> bool:
    parts = path.strip("/").split("/")
    return (parts[0] == "api" and len(parts) > 2) or (parts[0] == "apis" and len(parts) > 3)


def _key(info: RequestInfo) -> Key:
    return Key(info.resource.group, info.resource.plural, info.namespace, info.name)


def _converter(info: RequestInfo) -> Any:
    """From the stored version to the one that the path asks for (T16)."""
    if info.resource.group != "tekton.dev":
        return lambda obj: obj
    return lambda obj: convert(obj, info.version)


def _dry_run(request: Request) -> bool:
    return request.query_params.get("dryRun") == "All"


def _written(obj: Object, warnings: list[str], code: int = 200) -> Response:
    response = JSONResponse(obj, code)
    for warning in warnings:
        response.headers.append("Warning", f'299 - "{warning.replace(chr(34), chr(92) + chr(34))}"')
    return response
