"""GitHub: REST and GraphQL over the same bare repository that the git server serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from integrations.sandbox.faults import FaultSettings, WeatherMiddleware
from integrations.sandbox.git import GitServer
from integrations.sandbox.github.access import App, GitHubAccess, Principal
from integrations.sandbox.github.checks import Checks
from integrations.sandbox.github.errors import GitHubError, answer_error, answer_unknown_path
from integrations.sandbox.github.gate import Gate, Throttle
from integrations.sandbox.github.hub import Hub, Rules
from integrations.sandbox.github.pulls import Pulls
from integrations.sandbox.github.routes.apps import AppRoutes
from integrations.sandbox.github.routes.checks import CheckRoutes
from integrations.sandbox.github.routes.commits import CommitRoutes
from integrations.sandbox.github.routes.contents import ContentRoutes
from integrations.sandbox.github.routes.graphql import GraphQLRoutes
from integrations.sandbox.github.routes.objects import ObjectRoutes
from integrations.sandbox.github.routes.pulls import PullRoutes
from integrations.sandbox.github.routes.refs import RefRoutes
from integrations.sandbox.github.webhooks import Webhooks


@dataclass(frozen=True)
class GitHubServerSettings:
    """tokens: personal tokens and whose they are. webhook_url "": nothing is sent.

    stale_reads: seconds for which REST reads of a branch lag behind a push (G5). clone_url: where git is served.
    limit: requests an hour for one token; writes_a_minute: content-making requests, 80 on GitHub (G16).
    """

    tokens: Mapping[str, Principal] = field(default_factory=dict)
    app: App | None = None
    rules: Rules = field(default_factory=Rules)
    webhook_url: str = ""
    webhook_secret: str = ""
    stale_reads: float = 0.0
    clone_url: str = ""
    limit: int = 5000
    writes_a_minute: int = 80


class GitHubServer:
    """One repository, `owner/name`. The tokens that it grants are good for git over HTTP too."""

    def __init__(
        self,
        git: GitServer,
        repository: str = "pilothouse/deploy",
        settings: GitHubServerSettings | None = None,
        faults: FaultSettings | None = None,
    ) -> None:
        chosen = settings or GitHubServerSettings()
        self.access = GitHubAccess(chosen.tokens, chosen.app)
        self.hub = Hub(git, repository, self.access, chosen.rules, chosen.stale_reads, chosen.clone_url)
        self.checks = Checks()
        self.pulls = Pulls(self.hub, self.checks)
        self.webhooks = Webhooks(self.hub, chosen.webhook_url, chosen.webhook_secret)
        self.hub.emit = self.webhooks.emit
        git.accept(self.access.knows)
        git.on_push(self.hub.remember)
        git.on_push(self.webhooks.on_push)
        self._routes = self._all_routes()
        inner = Starlette(
            routes=self._routes,
            exception_handlers={GitHubError: answer_error, 404: answer_unknown_path, 405: answer_unknown_path},
        )
        inner.router.redirect_slashes = False  # a trailing slash is 404 (G14)
        self._gate = Gate(inner, chosen.limit, chosen.writes_a_minute)
        app: ASGIApp = self._gate
        self.app = WeatherMiddleware(app, faults, "github") if faults else app

    def throttle(self, throttle: Throttle) -> None:
        """Refuse the next requests by a rate limit (G16)."""
        self._gate.throttle = throttle

    def set_status(self, sha: str, context: str, state: str, **more: Any) -> None:
        """Somebody else's CI reports a commit status."""
        self.checks.add_status(sha, context, state, **more)

    def set_check(self, sha: str, name: str, conclusion: str | None = None) -> None:
        """Somebody else's App reports a check run; without a conclusion it is still in progress."""
        status = "in_progress" if conclusion is None else "completed"
        self.checks.add_run(sha, name, status=status, conclusion=conclusion)

    def routes(self) -> set[tuple[str, str]]:
        """Every (path with `*` for its parameters, method) that is served."""
        return {
            ("/".join("*" if part.startswith("{") else part for part in route.path.split("/")), method)
            for route in self._routes
            for method in (route.methods or set()) - {"HEAD"}
        }

    def _all_routes(self) -> list[Route]:
        commits = CommitRoutes(self.hub)
        return [
            *AppRoutes(self.hub, lambda authorization: self._gate.usage(authorization)).routes(),
            *GraphQLRoutes(self.hub).routes(),
            *RefRoutes(self.hub).routes(),
            *ObjectRoutes(self.hub).routes(),
            *ContentRoutes(self.hub).routes(),
            *PullRoutes(self.hub, self.pulls).routes(),
            *CheckRoutes(self.hub, self.checks).routes(),
            *commits.routes(),
            *commits.last_routes(),
        ]
