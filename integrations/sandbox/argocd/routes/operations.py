"""Sync, terminate, rollback: asked for here, done by the controller (A13-A20)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.sandbox.argocd import autosync, windows
from integrations.sandbox.argocd.api import API, body, one_project
from integrations.sandbox.argocd.desired import ComparisonFailed
from integrations.sandbox.argocd.errors import Code, StatusError
from integrations.sandbox.argocd.store import Application, qualified_name


class OperationRoutes:
    def __init__(self, api: API) -> None:
        self._api = api

    def routes(self) -> list[Route]:
        one = "/api/v1/applications/{name}"
        return [
            Route(f"{one}/sync", self.sync, methods=["POST"]),
            Route(f"{one}/rollback", self.rollback, methods=["POST"]),
            Route(f"{one}/operation", self.terminate, methods=["DELETE"]),
        ]

    async def sync(self, request: Request) -> Response:
        asked = await body(request)
        application = self._api.application(request, "get", asked)
        self._refuse_closed_window(application)
        self._api.application(request, "sync", asked)
        if asked.get("manifests"):
            self._api.application(request, "override", asked)
        revision = await self._revision(application, asked)
        spec = application["spec"].get("syncPolicy") or {}
        options = (asked.get("syncOptions") or {}).get("items") or spec.get("syncOptions")
        sync = {
            "revision": revision,
            "prune": bool(asked.get("prune")),
            "dryRun": bool(asked.get("dryRun")),
            "syncStrategy": asked.get("strategy") or {"hook": {}},
            "resources": asked.get("resources"),
            "syncOptions": options,
            "manifests": asked.get("manifests"),
        }
        operation = {
            "sync": {name: value for name, value in sync.items() if value},
            "initiatedBy": {"username": self._api.access.account(request).name},
        }
        operation |= {"info": asked["infos"]} if asked.get("infos") else {}
        retry = asked.get("retryStrategy") or spec.get("retry")
        return self._request(application, operation | ({"retry": retry} if retry else {}))

    def _refuse_closed_window(self, application: Application) -> None:
        mine = windows.assigned(application, self._api.store.windows(application))
        if not windows.can_sync(mine, self._api.clock.now(), manual=True):
            raise StatusError(Code.PERMISSION_DENIED, "cannot sync: blocked by sync window")

    async def _revision(self, application: Application, asked: dict[str, Any]) -> str:
        """The commit to sync to. Raises StatusError 400: with auto-sync on, no other revision than the target (A15)."""
        if application["metadata"].get("deletionTimestamp"):
            raise StatusError(Code.FAILED_PRECONDITION, "application is deleting")
        target = application["spec"]["source"].get("targetRevision") or "HEAD"
        wanted = asked.get("revision") or target
        if autosync.automated(application) is not None and not asked.get("dryRun") and wanted != target:
            text = f"Cannot sync to {wanted}: auto-sync currently set to {target}"
            raise StatusError(Code.FAILED_PRECONDITION, text)
        try:
            return await self._api.controller.desired.revision(wanted)
        except ComparisonFailed as unknown:
            raise StatusError(Code.FAILED_PRECONDITION, str(unknown)) from unknown

    def _request(self, application: Application, operation: dict[str, Any]) -> Response:
        name = qualified_name(application)
        self._api.controller.worker(name).intrude()
        if autosync.in_progress(application):
            raise StatusError(Code.FAILED_PRECONDITION, "another operation is already in progress")
        with self._api.store.edit(name) as application:
            autosync.request_operation(application, operation)
        answer = self._api.shown(application)
        self._api.controller.worker(name).operate()
        return JSONResponse(answer)

    async def rollback(self, request: Request) -> Response:
        asked = await body(request)
        application = self._api.application(request, "sync", asked)
        if autosync.automated(application) is not None:
            text = "rollback cannot be initiated when auto-sync is enabled"
            raise StatusError(Code.FAILED_PRECONDITION, text)
        name, wanted = qualified_name(application), asked.get("id", 0)
        history = application["status"].get("history", [])
        entry = next((one for one in history if one["id"] == wanted), None)
        if entry is None:
            text = f"application {name} does not have deployment with id {wanted}"
            raise StatusError(Code.INVALID_ARGUMENT, text)
        sync = {
            "revision": entry["revision"],
            "source": entry["source"],
            "prune": bool(asked.get("prune")),
            "dryRun": bool(asked.get("dryRun")),
            "syncStrategy": {"apply": {}},
        }
        operation = {
            "sync": {name: value for name, value in sync.items() if value},
            "initiatedBy": {"username": self._api.access.account(request).name},
        }
        return self._request(application, operation)

    async def terminate(self, request: Request) -> Response:
        application = self._api.application(request, "sync", one_project(request))
        state = application["status"].get("operationState")
        if not autosync.in_progress(application) or state is None:
            text = "Unable to terminate operation. No operation is in progress"
            raise StatusError(Code.INVALID_ARGUMENT, text)
        with self._api.store.edit(qualified_name(application)) as application:
            application["status"]["operationState"]["phase"] = "Terminating"
        self._api.controller.worker(qualified_name(application)).terminate()
        return JSONResponse({})
