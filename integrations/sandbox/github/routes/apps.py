"""A GitHub App: itself, its installation, the installation's tokens; and the rate limit (G15, G16)."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.clock import rfc3339
from integrations.sandbox.github import shapes
from integrations.sandbox.github.access import App
from integrations.sandbox.github.errors import GitHubError, invalid, not_found
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.routes import REPOSITORY
from integrations.sandbox.github.web import answer, body, paged

_PERMISSIONS = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "statuses": "write",
    "checks": "write",
}
_CREATED = "2026-01-01T00:00:00Z"


class AppRoutes:
    def __init__(self, hub: Hub, usage: Callable[[str], Any]) -> None:
        self._hub, self._usage = hub, usage

    def routes(self) -> list[Route]:
        return [
            Route("/app", self.app, methods=["GET"]),
            Route("/app/installations", self.installations, methods=["GET"]),
            Route("/app/installations/{id}", self.installation, methods=["GET"]),
            Route("/app/installations/{id}/access_tokens", self.token, methods=["POST"]),
            Route(f"{REPOSITORY}/installation", self.of_repository, methods=["GET"]),
            Route("/rate_limit", self.rate_limit, methods=["GET"]),
        ]

    async def app(self, request: Request) -> Response:
        app = self._app(request)
        owner = shapes.user(self._hub.base, self._hub.full_name.partition("/")[0], "Organization")
        shape = {
            "id": app.id,
            "client_id": app.client_id,
            "slug": app.slug,
            "node_id": shapes.node_id("A", app.slug),
            "owner": owner,
            "name": app.slug,
            "description": None,
            "external_url": self._hub.base,
            "html_url": f"{self._hub.base}/apps/{app.slug}",
            "created_at": _CREATED,
            "updated_at": _CREATED,
            "permissions": _PERMISSIONS,
            "events": ["push", "pull_request"],
        }
        return answer(request, shape)

    async def installations(self, request: Request) -> Response:
        return paged(request, [self._installation(self._app(request))])

    async def installation(self, request: Request) -> Response:
        return answer(request, self._installation(self._installed(request)))

    async def of_repository(self, request: Request) -> Response:
        app = self._app(request)
        if f"{request.path_params['owner']}/{request.path_params['repo']}" != self._hub.full_name:
            raise not_found()
        return answer(request, self._installation(app))

    async def token(self, request: Request) -> Response:
        """May narrow `repositories` and `permissions`, never widen them (G15)."""
        app, asked = self._installed(request), await body(request, "Installation")
        wanted = asked.get("permissions") or _PERMISSIONS
        for name, level in wanted.items():
            if _PERMISSIONS.get(name) not in {level, "write"}:
                raise GitHubError(422, "The permissions requested are not granted to this installation.")
        if asked.get("repositories") not in (None, [self._hub.full_name.partition("/")[2]]):
            raise invalid("Installation", "repositories", "invalid")
        token, expires = self._hub.access.grant(app, {"metadata": "read", **wanted})
        shape: JSON = {"token": token, "expires_at": rfc3339(expires), "permissions": wanted}
        return answer(request, shape | {"repository_selection": "selected"}, 201)

    async def rate_limit(self, request: Request) -> Response:
        usage = self._usage(request.headers.get("authorization", "")).as_json()
        return answer(request, {"resources": {"core": usage, "search": usage, "graphql": usage}, "rate": usage})

    def _app(self, request: Request) -> App:
        self._hub.base = str(request.base_url).rstrip("/")
        return self._hub.access.require_app(request)

    def _installed(self, request: Request) -> App:
        app = self._app(request)
        if request.path_params["id"] != str(app.installation_id):
            raise not_found()
        return app

    def _installation(self, app: App) -> JSON:
        owner = shapes.user(self._hub.base, self._hub.full_name.partition("/")[0], "Organization")
        url = f"{self._hub.base}/app/installations/{app.installation_id}"
        return {
            "id": app.installation_id,
            "account": owner,
            "app_id": app.id,
            "app_slug": app.slug,
            "client_id": app.client_id,
            "target_id": owner["id"],
            "target_type": "Organization",
            "permissions": _PERMISSIONS,
            "events": ["push", "pull_request"],
            "single_file_name": None,
            "repository_selection": "selected",
            "access_tokens_url": f"{url}/access_tokens",
            "repositories_url": f"{self._hub.base}/installation/repositories",
            "html_url": f"{self._hub.base}/organizations/{owner['login']}/settings/installations/{app.installation_id}",
            "created_at": _CREATED,
            "updated_at": _CREATED,
            "suspended_by": None,
            "suspended_at": None,
        }
