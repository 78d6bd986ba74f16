"""What every route needs: who asks, for which application, and how it is shown."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from integrations.sandbox.argocd import health
from integrations.sandbox.argocd.access import Account, ArgoAccess
from integrations.sandbox.argocd.cluster import ResourceKey
from integrations.sandbox.argocd.controller import Controller
from integrations.sandbox.argocd.errors import Code, StatusError, permission_denied
from integrations.sandbox.argocd.store import Application, Store, qualified_name
from integrations.sandbox.clock import Clock


@dataclass(frozen=True)
class API:
    store: Store
    controller: Controller
    access: ArgoAccess
    clock: Clock

    def application(
        self, request: Request, action: str, scope: Mapping[str, Any], resource: str = "applications"
    ) -> Application:
        """The application that the path names, if the caller may. `scope` holds `project` and `appNamespace`.

        Raises StatusError: 403 for an absent one unless the project was named (A5).
        """
        account, project = self.access.account(request), scope.get("project") or ""
        name = qualified_name(
            {"metadata": {"name": request.path_params["name"], "namespace": scope.get("appNamespace")}}
        )
        if project:
            account.require("applications", "get", f"{project}/{name}")
        found = self.store.applications.get(name)
        if found is None or (project and found["spec"]["project"] != project):
            raise _not_found(name) if project else permission_denied()
        subject = f"{found['spec']['project']}/{name}"
        account.require("applications", "get", subject)
        account.require(resource, action, subject)
        return found

    def visible(self, account: Account) -> list[Application]:
        return [
            application
            for name, application in sorted(self.store.applications.items())
            if account.may("applications", "get", f"{application['spec']['project']}/{name}")
        ]

    def shown(self, application: Application) -> Application:
        """With the health of each resource, which only the API server fills in (A22)."""
        shown = copy.deepcopy(application)
        live = self.store.live.get(qualified_name(shown))
        for entry in shown["status"].get("resources", []) if live else []:
            assert live is not None
            key = ResourceKey(entry.get("group", ""), entry["kind"], entry.get("namespace", ""), entry["name"])
            if found := health.of_object(live, key):
                entry["health"] = found
        return shown


async def body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object. Raises StatusError 400."""
    raw = await request.body()
    try:
        value = json.loads(raw or b"{}")
    except ValueError as error:
        raise StatusError(Code.INVALID_ARGUMENT, str(error)) from error
    if not isinstance(value, dict):
        raise StatusError(Code.INVALID_ARGUMENT, "json: cannot unmarshal the body into an object")
    return value


def one_project(request: Request) -> dict[str, Any]:
    """The query's scope; at most one project may be named (A5)."""
    query = request.query_params
    projects = query.getlist("project") + query.getlist("projects")
    if len(projects) > 1:
        detail = "multiple projects specified - the get endpoint accepts either zero or one project"
        raise StatusError(Code.INVALID_ARGUMENT, detail)
    return {"project": projects[0] if projects else "", "appNamespace": query.get("appNamespace")}


def _not_found(name: str) -> StatusError:
    return StatusError(Code.NOT_FOUND, f'applications.argoproj.io "{name}" not found')
