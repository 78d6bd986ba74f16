"""Argo CD: the REST API of its server over the controller that follows the git repository."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.sandbox.argocd.access import Account, ArgoAccess
from integrations.sandbox.argocd.api import API
from integrations.sandbox.argocd.cluster import ByHand
from integrations.sandbox.argocd.controller import Controller
from integrations.sandbox.argocd.errors import Code, StatusError, answer_status_error
from integrations.sandbox.argocd.routes.applications import ApplicationRoutes
from integrations.sandbox.argocd.routes.operations import OperationRoutes
from integrations.sandbox.argocd.routes.projects import ProjectRoutes
from integrations.sandbox.argocd.routes.resources import ResourceRoutes
from integrations.sandbox.argocd.routes.session import SessionRoutes
from integrations.sandbox.argocd.routes.streams import StreamRoutes
from integrations.sandbox.argocd.routes.webhook import WebhookRoutes
from integrations.sandbox.argocd.store import Store
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings, WeatherMiddleware
from integrations.sandbox.git import GitServer


@dataclass(frozen=True)
class ArgoServerSettings:
    """bot: the account that `token` belongs to. users: name → password of those who may log in.

    stream_gap: seconds between a stream's snapshot and its subscription (A10). image_exists: see Controller.
    """

    bot: Account = field(default_factory=lambda: Account("pilothouse"))
    users: Mapping[str, str] = field(default_factory=dict)
    webhook_secret: str = ""
    stream_gap: float = 0.05
    image_exists: Callable[[str], bool] | None = None


class ArgoCDServer:
    """`app` answers; `run()` makes the applications move. Load manifests before or while it runs."""

    def __init__(
        self,
        git: GitServer,
        clock: Clock,
        token: str,
        faults: FaultSettings | None = None,
        settings: ArgoServerSettings | None = None,
    ) -> None:
        chosen = settings or ArgoServerSettings()
        self.store = Store()
        self.access = ArgoAccess(token, chosen.bot, chosen.users)
        self.controller = Controller(git, self.store, clock, faults, chosen.image_exists)
        api = API(self.store, self.controller, self.access, clock)
        self._routes = [
            *SessionRoutes(api).routes(),
            *ApplicationRoutes(api, git).routes(),
            *OperationRoutes(api).routes(),
            *ResourceRoutes(api).routes(),
            *StreamRoutes(api, chosen.stream_gap).routes(),
            *ProjectRoutes(api).routes(),
            *WebhookRoutes(self.controller, chosen.webhook_secret).routes(),
        ]
        app: ASGIApp = Starlette(
            routes=self._routes,
            middleware=[Middleware(ContentTypeMiddleware)],
            exception_handlers={StatusError: answer_status_error},
        )
        self.app = WeatherMiddleware(app, faults, "argocd") if faults else app

    async def load(self, manifests: Iterable[dict[str, Any]]) -> None:
        """AppProjects (with their roles), Applications and ApplicationSets. Raises ValueError for another kind."""
        known = list(manifests)
        await self.controller.load(known)
        for manifest in known:
            if manifest["kind"] == "AppProject":
                self._add_roles(manifest)

    async def start_synced(self) -> None:
        """Begin with everything synced and Healthy, instead of with a first sync of everything."""
        await self.controller.start_synced()

    async def run(self) -> None:
        """The controller; until cancelled."""
        await self.controller.run()

    def drift(self, name: str, image: str) -> None:
        """Somebody changes the image in the cluster, past git. Raises KeyError for an unknown application."""
        self.change(name, ByHand(image=image))

    def change(self, name: str, by_hand: ByHand, *, lasts: bool = False) -> None:
        """Somebody uses kubectl. `lasts`: self-heal is switched off before. Raises KeyError for an unknown application,
        and LookupError for one that has no Deployment.
        """
        worker = self.controller.worker(name)
        if lasts:
            worker.stop_healing()
        worker.change(by_hand)

    def fall_ill(self, name: str, seconds: float) -> None:
        """Its pods crash, and run well again after so long. Raises as `change` does."""
        self.controller.worker(name).fall_ill(seconds)

    def log_in(self, account: str) -> str:
        """A token for somebody: they may do everything, unless the account is there already and may do less."""
        self.access.ensure(account)
        return self.access.mint(account)

    def stop_syncing(self, name: str) -> None:
        """Somebody switches automated sync off. Raises KeyError for an unknown application."""
        self.controller.worker(name).stop_syncing()

    def annotate(self, name: str, annotations: Mapping[str, str | None], *, project: bool = False) -> None:
        """As kubectl does, on an Application or an AppProject; None takes one away. Raises KeyError."""
        if project:
            _annotate(self.store.projects[name], annotations)
            return
        with self.store.edit(name) as application:
            _annotate(application, annotations)

    def fail_next_sync(self, name: str, message: str = "one or more objects failed to apply") -> None:
        """The application's next sync attempt fails with `message`; its retries follow (A16)."""
        self.controller.worker(name).failures.append(message)

    def break_streams(self, message: str = "error watching applications") -> None:
        """Every open stream ends with an error in its last line (A9)."""
        self.store.interrupt(StatusError(Code.INTERNAL, message))

    def on_change(self, callback: Callable[[], None]) -> None:
        """Called after each change of an application or of what it runs."""
        self.store.on_change(callback)

    def snapshot(self) -> list[dict[str, Any]]:
        """One row an application, for people to look at."""
        return [_row(application) for _, application in sorted(self.store.applications.items())]

    def routes(self) -> set[tuple[str, str]]:
        """Every (path with `*` for its parameters, method) that is served."""
        return {
            ("/".join("*" if part.startswith("{") else part for part in route.path.split("/")), method)
            for route in self._routes
            for method in (route.methods or set()) - {"HEAD"}
        }

    def _add_roles(self, project: dict[str, Any]) -> None:
        name = project["metadata"]["name"]
        for role in project["spec"].get("roles") or []:
            policies = [[part.strip() for part in policy.split(",")] for policy in role.get("policies") or []]
            grants = tuple((one[2], one[3], one[4]) for one in policies if one[-1] == "allow")
            grants = (("projects", "get", name), *grants)  # every role has it, whatever its policies say
            self.access.add(Account(f"proj:{name}:{role['name']}", grants))


class ContentTypeMiddleware:
    """Every request that is not a GET must say exactly `application/json` (A2); the webhook is not behind this."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "GET" and not scope["path"].endswith("/api/webhook"):
            given = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
            if given.lower() != "application/json":
                await PlainTextResponse("Invalid content type", 415)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _annotate(manifest: dict[str, Any], annotations: Mapping[str, str | None]) -> None:
    before = manifest["metadata"].get("annotations") or {}
    merged = {**before, **annotations}
    manifest["metadata"]["annotations"] = {key: value for key, value in merged.items() if value is not None}


def _row(application: dict[str, Any]) -> dict[str, Any]:
    metadata, status, labels = application["metadata"], application["status"], application["metadata"].get("labels", {})
    source, state = application["spec"]["source"], status.get("operationState") or {}
    app, _, environment = metadata["name"].rpartition("-")
    parts = source.get("path", "").split("/")
    if len(parts) == 4 and parts[0] == "apps" and parts[2] == "overlays":
        app, environment = parts[1], parts[3]
    return {
        "name": metadata["name"],
        "app": labels.get("pilothouse.dev/app", app),
        "environment": labels.get("pilothouse.dev/environment", environment),
        "sync": status.get("sync", {}).get("status", "Unknown"),
        "health": status.get("health", {}).get("status", "Unknown"),
        "revision": status.get("sync", {}).get("revision", ""),
        "images": status.get("summary", {}).get("images", []),
        "operation": state.get("phase", ""),
        "message": state.get("message", ""),
    }
