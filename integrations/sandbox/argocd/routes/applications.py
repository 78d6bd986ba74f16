"""Reading applications: list, get with refresh, windows, events, revision metadata, delete (A5-A8, A23, A24)."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.sandbox.argocd import events, windows
from integrations.sandbox.argocd.api import API, one_project
from integrations.sandbox.argocd.errors import Code, StatusError
from integrations.sandbox.argocd.selection import LabelSelector, select_list_fields
from integrations.sandbox.argocd.store import Application, qualified_name
from integrations.sandbox.git import GitServer

REFRESH = "argocd.argoproj.io/refresh"
REFRESH_DEADLINE = 60.0


class ApplicationRoutes:
    def __init__(self, api: API, git: GitServer) -> None:
        self._api, self._git = api, git

    def routes(self) -> list[Route]:
        one = "/api/v1/applications/{name}"
        return [
            Route("/api/v1/applications", self.list),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/syncwindows", self.sync_windows),
            Route(f"{one}/events", self.events),
            Route(f"{one}/manifests", self.manifests),
            Route(f"{one}/revisions/{{revision}}/metadata", self.revision_metadata),
        ]

    async def list(self, request: Request) -> Response:
        account = self._api.access.account(request)
        found = select_applications(request, self._api.visible(account))
        metadata = {"resourceVersion": str(self._api.store.resource_version)}
        shown = [self._api.shown(application) for application in found]
        if fields := request.query_params.get("fields"):
            shown = [select_list_fields(application, fields) for application in shown]
        # Go's nil slice: no applications are `null`, not `[]` (A7).
        return JSONResponse({"metadata": metadata, "items": shown or None})

    async def get(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request))
        if kind := request.query_params.get("refresh"):
            await self._refreshed(qualified_name(application), "hard" if kind == "hard" else "normal")
        return JSONResponse(self._api.shown(application))

    async def _refreshed(self, name: str, kind: str) -> None:
        """Set the annotation and wait until the controller has removed it (A8)."""
        store = self._api.store
        with store.subscribed() as changes:
            with store.edit(name) as application:
                application["metadata"].setdefault("annotations", {})[REFRESH] = kind
            self._api.controller.worker(name).refresh()
            try:
                async with asyncio.timeout(REFRESH_DEADLINE):
                    while name in store.applications and REFRESH in store.applications[name]["metadata"]["annotations"]:
                        await changes.get()
            except TimeoutError as error:
                raise StatusError(Code.INTERNAL, "application refresh deadline exceeded") from error

    async def delete(self, request: Request) -> Response:
        application = self._api.application(request, "delete", one_project(request))
        self._api.controller.delete(qualified_name(application))
        return JSONResponse({})

    async def sync_windows(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request))
        mine, now = windows.assigned(application, self._api.store.windows(application)), self._api.clock.now()
        active = [window for window in mine if windows.is_active(window, now)]
        answer: dict[str, Any] = {"canSync": windows.can_sync(mine, now, manual=True)}
        answer |= {"assignedWindows": [_window(window) for window in mine]} if mine else {}
        answer |= {"activeWindows": [_window(window) for window in active]} if active else {}
        return JSONResponse(answer)

    async def events(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request))
        name = qualified_name(application)
        found = self._api.store.events[name]
        if uid := request.query_params.get("resourceUID"):
            found = events.of_resource(self._api.store.live[name], uid, self._api.clock.now())
        return JSONResponse({"metadata": {}, "items": found or None})

    async def manifests(self, request: Request) -> Response:
        application = self._api.application(request, "get", one_project(request))
        return JSONResponse(await rendered(self._api, application, request.query_params.get("revision", "")))

    async def revision_metadata(self, request: Request) -> Response:
        self._api.application(request, "get", one_project(request))
        found = await self._git.log(limit=1, at=request.path_params["revision"])
        if not found:
            raise StatusError(Code.NOT_FOUND, f"revision {request.path_params['revision']} not found")
        [commit] = found
        author = f"{commit['author']} <{commit['email']}>"
        return JSONResponse({"author": author, "date": commit["date"], "message": commit["message"]})


async def rendered(api: API, application: Application, revision: str) -> dict[str, Any]:
    source = application["spec"]["source"]
    sha = await api.controller.desired.revision(revision or source.get("targetRevision", "HEAD"))
    manifests = await api.controller.desired.manifests(application, source, sha)
    return {
        "manifests": [json.dumps(manifest) for manifest in manifests],
        "namespace": application["spec"]["destination"].get("namespace", ""),
        "revision": sha,
        "sourceType": "Kustomize",
    }


def select_applications(request: Request, applications: list[Application]) -> list[Application]:
    """By the query's `name`, `projects`, `selector`, `repo` and `appNamespace` (A7, A10)."""
    query = request.query_params
    projects = {*query.getlist("projects"), *query.getlist("project")}
    selector = LabelSelector(query.get("selector", ""))
    wanted = {"name": query.get("name"), "repo": query.get("repo"), "namespace": query.get("appNamespace")}
    return [
        one
        for one in applications
        if (not projects or one["spec"]["project"] in projects)
        and selector.matches(one["metadata"].get("labels", {}))
        and wanted["name"] in {None, "", one["metadata"]["name"]}
        and wanted["repo"] in {None, "", one["spec"]["source"]["repoURL"]}
        and wanted["namespace"] in {None, "", one["metadata"]["namespace"]}
    ]


def _window(window: windows.Window) -> dict[str, Any]:
    fields = {name: window[name] for name in ("kind", "schedule", "duration")}
    return fields | ({"manualSync": True} if window.get("manualSync") else {})
