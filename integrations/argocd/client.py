"""Argo CD's API server."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self, TypeVar
from urllib.parse import quote

from bot.domain.application import Application, ApplicationRef, ResourceHealth, SyncPermission
from bot.domain.drift import Drift
from bot.domain.errors import Refused
from bot.domain.source import OverlayBranch
from bot.settings import ArgoCDSettings
from integrations.argocd import convert, wire
from integrations.argocd.drift import drifts
from integrations.argocd.errors import FAILED_PRECONDITION, INVALID_ARGUMENT, SYSTEM, ArgoCDRefused, refine
from integrations.argocd.items import items
from integrations.argocd.names import parts
from integrations.argocd.pauses import with_pauses
from integrations.argocd.resources import unhealthy
from integrations.argocd.stream import Stream
from integrations.argocd.token import expiry
from integrations.argocd.windows import permission
from integrations.http import Bearer, Connection, HttpPolicy
from integrations.http.connection import Query
from integrations.http.policy import MIB

T = TypeVar("T")
LIST_LIMIT = 256 * MIB
"""bytes; there is no paging (A7), and an Application is 5 to 30 KiB"""
LIST_SECONDS = 40
"""for all of that to arrive"""
REFRESH_SECONDS = 75
"""a refresh blocks until the controller has done it (A8)"""
RELIST = timedelta(minutes=2)
IDENTITY = ("metadata.name", "metadata.namespace")
OVERVIEW = (
    "status.sync.status",
    "status.sync.revision",  # from Argo CD 3.5.1 on; an older one leaves it out without a word (A7)
    "status.health",
    "status.summary",
    "status.operationState.phase",
)


class ArgoCD:
    """One Argo CD: the ports Applications, ApplicationOperations, SyncWindows and ApplicationStream.

    An Application outside Argo CD's own namespace is called `namespace/name`. Raises NotFound for an absent Application
    when the project is known, by the ref or by the settings; without it absent and forbidden are the same Refused (A5).
    `overlays`: of an Application with several sources, the commits that are told are that repository's (A20).
    """

    def __init__(
        self,
        settings: ArgoCDSettings,
        policy: HttpPolicy | None = None,
        relist: timedelta = RELIST,
        overlays: OverlayBranch | None = None,
    ) -> None:
        self._settings = settings
        self._overlays = overlays
        self._token = settings.credential("token")
        self._relist = relist
        self._own_namespace: str | None = None
        self._heard_at = -math.inf
        self._stream: Stream | None = None
        policy = policy or HttpPolicy()
        self._patient = replace(policy, read=REFRESH_SECONDS, total=REFRESH_SECONDS)
        self._large = replace(policy, body_limit=LIST_LIMIT, total=LIST_SECONDS)
        self._connection = Connection(
            SYSTEM, settings.url, auth=Bearer(self._token), tls=settings, policy=policy, refine=refine
        )

    async def get(self, ref: ApplicationRef) -> Application:
        return self._as_asked(await self._read(ref), ref)

    async def list(
        self, environment: str, *, selector: str = "", projects: Sequence[str] = (), fields: Sequence[str] = ()
    ) -> tuple[Application, ...]:
        """All that the token may see: what it may not is left out silently (A7).

        `fields` ("metadata.name") makes the answer small and the Applications poor: conditions, history, the time of
        reconciliation and, before Argo CD 3.5.1, the revision are not among the fields that can be selected (A7).
        """

        def see(app: wire.ArgoApplication) -> Application:
            return self._application(app, environment)

        return tuple(await self._read_all(see, selector=selector, projects=projects, fields=fields))

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        found = tuple(dict.fromkeys(environments))
        return (found,) if found else ()

    async def overview(self, environment: str) -> tuple[Application, ...]:
        """Whole Applications are some 16 KiB each (A35); only what an overview shows is asked for."""
        return await self.list(environment, fields=OVERVIEW)

    async def refresh(self, ref: ApplicationRef) -> Application:
        app = await self._read(ref, refresh="normal")
        return self._as_asked(app, ref)

    async def sync(self, ref: ApplicationRef, revision: str) -> None:
        """Raises Refused where automated sync is on and `revision` is not its target, and in a deny window (A15).

        "" is its target, whatever commit that leads to.
        """
        body = {"name": parts(ref)[1], "revision": revision, **self._scope(ref)}
        try:
            await self._connection.request(f"sync {ref.name}", "POST", path(ref, "sync"), json=body)
        except ArgoCDRefused as error:
            # A15: two refusals share the code, so the words must tell them apart
            if not (error.code == FAILED_PRECONDITION and "another operation is already in progress" in error.detail):
                raise

    async def terminate(self, ref: ApplicationRef) -> bool:
        """Stop the sync that runs; False when none does (A17)."""
        try:
            await self._connection.request(
                f"terminate the sync of {ref.name}", "DELETE", path(ref, "operation"), params=self._scope(ref)
            )
        except ArgoCDRefused as error:
            if error.code == INVALID_ARGUMENT:
                return False
            raise
        return True

    async def unhealthy(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...]:
        app, tree = await asyncio.gather(self._read(ref), self._tree(ref))
        return unhealthy(app, tree)

    async def drift(self, ref: ApplicationRef) -> tuple[Drift, ...]:
        """The resources whose live state is not what git says."""
        operation = f"read the managed resources of {ref.name}"
        answer = await self._connection.request(
            operation, "GET", path(ref, "managed-resources"), params=self._scope(ref)
        )
        return drifts(answer.decode(wire.ManagedResources), operation)

    async def permission(self, ref: ApplicationRef) -> SyncPermission:
        """Of the sync that it would get now: `canSync` alone answers for a manual one (A30)."""
        app, windows = await asyncio.gather(self._read(ref), self._windows(ref))
        return permission(windows, automated=convert.auto_sync(app.spec or wire.Spec()))

    async def subscribed(self, environment: str, project: str) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """A token of one of the project's roles may read the project, whatever its policies say."""
        operation = f"read the project {project}"
        answer = await self._connection.request(operation, "GET", f"/api/v1/projects/{quote(project, safe='')}")
        return convert.subscribed(answer.decode(wire.ArgoProject).metadata.annotations or {})

    def changes(self, environment: str) -> AsyncIterator[Application]:
        """Goes on for ever: an Argo CD that is away is waited for. Raises Refused when the token is not accepted.

        A deleted Application comes once more, Missing and Unknown. What the server lost on its way (A10) comes with
        the next re-list.
        """
        self._stream = Stream(self._connection, self._read_all, self._selection(), self._relist, self._hear)
        return self._stream.applications(lambda app: self._application(app, environment))

    def silence(self, environment: str) -> float:  # noqa: ARG002 (it serves them all)
        return time.monotonic() - self._heard_at

    def current(self, environment: str) -> bool:  # noqa: ARG002 (it serves them all)
        return self._stream is not None and self._stream.current

    async def version(self) -> str:
        """Of the server: the cheapest question that shows it is there; it needs no token."""
        answer = await self._connection.request("read the version", "GET", "/api/version")
        return answer.decode(wire.Version).version or ""

    async def may(self, action: str, ref: ApplicationRef) -> bool:
        """Whether the token may "get", "sync" or the like. Raises Refused when the token is not accepted."""
        project = ref.project or self._settings.project or "default"
        answer = await self._connection.request(
            f"ask for the permission to {action} {ref.name}",
            "GET",
            f"/api/v1/account/can-i/applications/{action}/{quote(project, safe='')}/{quote(ref.name)}",
        )
        return answer.decode(wire.ArgoCanI).value == "yes"

    def token_expires(self) -> datetime | None:
        """When the token ends; None for one without end. Nobody renews it (A1)."""
        return expiry(self._token())

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _hear(self) -> None:
        self._heard_at = time.monotonic()

    def _application(self, app: wire.ArgoApplication, environment: str) -> Application:
        base_url = self._settings.web_url or self._settings.url
        return convert.application(app, environment, base_url, self._own_namespace or "", self._overlays)

    def _as_asked(self, app: wire.ArgoApplication, ref: ApplicationRef) -> Application:
        found = self._application(app, ref.environment)
        return replace(found, ref=replace(found.ref, name=ref.name))

    async def _learn_namespace(self) -> None:
        """Argo CD's own, once: by it names in a list say where an Application is. "" where it does not tell."""
        if self._own_namespace is not None:
            return
        try:
            answer = await self._connection.request("read the settings", "GET", "/api/v1/settings")
            self._own_namespace = answer.decode(wire.ServerSettings).controller_namespace or ""
        except Refused:
            self._own_namespace = ""

    async def _read(self, ref: ApplicationRef, refresh: str = "") -> wire.ArgoApplication:
        params = {**self._scope(ref), **({"refresh": refresh} if refresh else {})}
        doing = "refresh" if refresh else "read"
        policy = self._patient if refresh else None
        answer = await self._connection.request(f"{doing} {ref.name}", "GET", path(ref), params=params, policy=policy)
        return answer.decode(wire.ArgoApplication)

    async def _read_all(
        self,
        see: Callable[[wire.ArgoApplication], T],
        converting: AbstractContextManager[None] | None = None,
        *,
        selector: str = "",
        projects: Sequence[str] = (),
        fields: Sequence[str] = (),
    ) -> Sequence[T]:
        """Converted one by one, so that no two copies of ten thousand are there at once; within `converting`, which
        ends however long Argo CD keeps us waiting for the answer.
        """
        await self._learn_namespace()
        params: dict[str, str | Sequence[str]] = dict(self._selection())
        if projects:
            params["projects"] = projects
        if selector:
            params["selector"] = selector
        if fields:
            params["fields"] = ",".join(f"items.{field}" for field in dict.fromkeys([*fields, *IDENTITY]))
        answer = await self._connection.request(
            "list applications", "GET", "/api/v1/applications", params=params, policy=self._large
        )
        with converting or nullcontext():
            return [see(app) async for app in with_pauses(items(answer, wire.ArgoApplication))]

    async def _windows(self, ref: ApplicationRef) -> wire.Windows:
        answer = await self._connection.request(
            f"read the sync windows of {ref.name}", "GET", path(ref, "syncwindows"), params=self._scope(ref)
        )
        return answer.decode(wire.Windows)

    async def _tree(self, ref: ApplicationRef) -> wire.ResourceTree:
        answer = await self._connection.request(
            f"read the resources of {ref.name}", "GET", path(ref, "resource-tree"), params=self._scope(ref)
        )
        return answer.decode(wire.ResourceTree)

    def _scope(self, ref: ApplicationRef) -> Query:
        scope = {"project": ref.project or self._settings.project, "appNamespace": parts(ref)[0]}
        return {name: value for name, value in scope.items() if value}

    def _selection(self) -> dict[str, str]:
        return {"projects": self._settings.project} if self._settings.project else {}


def path(ref: ApplicationRef, *tail: str) -> str:
    return "/".join(["/api/v1/applications", quote(parts(ref)[1], safe=""), *tail])
