"""Projects."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.sandbox.argocd.api import API
from integrations.sandbox.argocd.errors import permission_denied
from integrations.sandbox.argocd.windows import is_active


class ProjectRoutes:
    def __init__(self, api: API) -> None:
        self._api = api

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/projects", self.list),
            Route("/api/v1/projects/{project}", self.get),
            Route("/api/v1/projects/{project}/syncwindows", self.sync_windows),
        ]

    async def list(self, request: Request) -> Response:
        account = self._api.access.account(request)
        projects = self._api.store.projects
        visible = [projects[name] for name in sorted(projects) if account.may("projects", "get", name)]
        return JSONResponse({"metadata": {}, "items": visible or None})

    async def get(self, request: Request) -> Response:
        account, name = self._api.access.account(request), request.path_params["project"]
        account.require("projects", "get", name)
        if name not in self._api.store.projects:
            raise permission_denied()
        return JSONResponse(self._api.store.projects[name])

    async def sync_windows(self, request: Request) -> Response:
        account, name = self._api.access.account(request), request.path_params["project"]
        account.require("projects", "get", name)
        windows = self._api.store.projects.get(name, {}).get("spec", {}).get("syncWindows") or []
        active = [window for window in windows if is_active(window, self._api.clock.now())]
        return JSONResponse({"windows": active} if active else {})
