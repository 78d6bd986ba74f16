"""The wire of the API server: who asks for what, and the answer as Kubernetes sends it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from . import access_reviews, discovery, logs, rbac
from .admission import Admission, Decoded
from .authentication import Authenticator, ClusterUser
from .errors import ApiError, bad_request, forbidden
from .listing import list_objects
from .operations import Operations
from .patches import APPLY_PATCH
from .requests import RequestInfo, body, content_type, parse, parsed_body
from .resources import AUTHORIZATION
from .store import Change, ObjectKey
from .tekton.conversion import convert
from .watching import Watch, WatchPolicy

Object = dict[str, Any]

_HEALTH_PATHS = ("/healthz", "/livez", "/readyz")


class ApiHandler:
    """The ASGI application."""

    def __init__(
        self,
        operations: Operations,
        admission: Admission,
        authenticator: Authenticator,
        pod_logs: logs.PodLogs,
        watch_policy: WatchPolicy,
    ) -> None:
        self.store = operations.store
        self.operations = operations
        self._admission = admission
        self._authenticator = authenticator
        self._authorizer = authenticator.authorizer
        self._logs = pod_logs
        self._watch_policy = watch_policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ApiError as error:
            response = JSONResponse(error.as_status(), error.code)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        user = self._authenticator.authenticate(request.headers)
        path = request.url.path.rstrip("/") or "/"
        if not _is_resource_path(path):
            self._authorize(user, rbac.Attributes("get", path=path), "", "")
            if path in _HEALTH_PATHS:
                return PlainTextResponse("ok")
            return JSONResponse(discovery.document(path))
        info = parse(request.method, path, request.query_params.get("watch") in ("true", "True", "1"))
        self._authorize(user, info.attributes, info.resource.group, info.resource.plural)
        if info.resource.group == AUTHORIZATION:
            asked = {"apiVersion": info.resource.api_version(), "kind": info.resource.kind, **await body(request)}
            return JSONResponse(access_reviews.answer(asked, user, self._authorizer), 201)
        return await self._dispatch(info, request)

    def _authorize(self, user: ClusterUser, asked: rbac.Attributes, group: str, plural: str) -> None:
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
        watch = Watch(self.store, info, request.query_params, _converter(info), self._watch_policy)
        watch.check()
        return StreamingResponse(watch.lines(), media_type="application/json")

    def _get(self, info: RequestInfo) -> Response:
        return JSONResponse(_converter(info)(self.operations.get(info.resource, info.namespace, info.name)))

    def _log(self, info: RequestInfo, request: Request) -> Response:
        pod = self.operations.get(info.resource, info.namespace, info.name)
        asked = logs.LogRequest.parse(request.query_params, pod)
        log = self._logs.of(pod["metadata"]["uid"], asked.container)
        if not log.started:
            raise bad_request(
                f'container "{asked.container}" in pod "{info.name}" is waiting to start: PodInitializing'
            )
        return StreamingResponse(logs.read(log, asked), media_type="text/plain")

    async def _create(self, info: RequestInfo, request: Request) -> Response:
        decoded = self._decode(info, request, await body(request))
        created = self.operations.create(info.resource, info.namespace, decoded.object, _dry_run(request))
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
                self._logs.drop(change.object["metadata"]["uid"])


def _is_resource_path(path: str) -> bool:
    parts = path.strip("/").split("/")
    return (parts[0] == "api" and len(parts) > 2) or (parts[0] == "apis" and len(parts) > 3)


def _key(info: RequestInfo) -> ObjectKey:
    return ObjectKey(info.resource.group, info.resource.plural, info.namespace, info.name)


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
