"""A git repository and an Argo CD that follows it, on a socket, at twenty times the usual speed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from integrations.sandbox.argocd import ArgoCDServer, ArgoServerSettings
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.serving import serve

TOKEN = "argo-t0ken"
IMAGE = "harbor.example.com/apps/my-app"
ENVIRONMENTS = {"development": "v1.4.2", "staging": "v1.4.2", "production": "v1.4.1"}
JSON = {"Content-Type": "application/json"}

Application = dict[str, Any]

DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: my-app}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: my-app}}}}
  template:
    metadata: {{labels: {{app: my-app}}}}
    spec:
      containers:
        - name: my-app
          image: {IMAGE}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: my-app}
spec: {selector: {app: my-app}, ports: [{port: 80}]}
"""


def overlay(tag: str) -> bytes:
    text = (
        f"resources: [../../base]\npatches: [{{path: replica-patch.yaml}}]\nimages:\n- name: {IMAGE}\n  newTag: {tag}\n"
    )
    return text.encode()


def path(environment: str, name: str = "kustomization.yaml") -> str:
    return f"apps/my-app/overlays/{environment}/{name}"


def seed() -> dict[str, bytes]:
    replicas = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: my-app}\nspec: {replicas: 2}\n"
    files = {
        "apps/my-app/base/kustomization.yaml": b"resources: [deployment.yaml, service.yaml]\n",
        "apps/my-app/base/deployment.yaml": DEPLOYMENT.encode(),
        "apps/my-app/base/service.yaml": SERVICE.encode(),
    }
    for environment, tag in ENVIRONMENTS.items():
        files |= {path(environment): overlay(tag), path(environment, "replica-patch.yaml"): replicas}
    return files


def application(environment: str, automated: dict[str, Any] | None = None) -> Application:
    policy: dict[str, Any] = {"syncOptions": ["CreateNamespace=true"], "retry": {"limit": 2}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": f"my-app-{environment}", "labels": {"environment": environment}},
        "spec": {
            "project": "apps",
            "source": {
                "repoURL": "https://git.example.com/deploy.git",
                "targetRevision": "main",
                "path": f"apps/my-app/overlays/{environment}",
            },
            "destination": {"name": environment, "namespace": "my-app"},
            "syncPolicy": policy | ({} if automated is None else {"automated": automated}),
        },
    }


def project(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "apps"}, "spec": spec}


SELF_HEAL = {"prune": True, "selfHeal": True}


@dataclass
class World:
    git: GitServer
    argo: ArgoCDServer
    http: httpx.AsyncClient
    faults: FaultSettings

    async def app(self, name: str = "my-app-production") -> Application:
        response = await self.http.get(f"/api/v1/applications/{name}")
        assert response.status_code == 200, response.text
        found: Application = response.json()
        return found

    async def promote(self, tag: str, environment: str = "production") -> str:
        return await self.git.commit({path(environment): overlay(tag)}, f"Promote {tag}", "Bo", "bo@example.com")

    async def until(self, wanted: Callable[[Application], bool], name: str = "my-app-production") -> Application:
        """Every change is looked at, so a state that lasts a moment is not missed."""
        with self.argo.store.subscribed() as changes:
            found = await self.app(name)
            async with asyncio.timeout(30):
                while not wanted(found):
                    _, changed = await changes.get()
                    found = changed if changed["metadata"]["name"] == name else found
        return found

    async def healthy_at(self, sha: str, name: str = "my-app-production") -> Application:
        return await self.until(lambda app: settled(app, sha, "Healthy"), name)

    async def sync(self, name: str = "my-app-production", **body: Any) -> httpx.Response:
        return await self.http.post(f"/api/v1/applications/{name}/sync", json=body)


def settled(app: Application, sha: str, health: str) -> bool:
    status = app["status"]
    return (
        "operation" not in app
        and status.get("sync", {}).get("revision") == sha
        and (status["sync"]["status"], status["health"]["status"]) == ("Synced", health)
    )


@asynccontextmanager
async def running(
    root: Path, manifests: list[dict[str, Any]], settings: ArgoServerSettings | None = None, *, speed: float = 20
) -> AsyncIterator[World]:
    faults = FaultSettings()
    git = GitServer(root, token="git-t0ken")
    await git.create(seed(), "Seed", Signature("Dee", "dee@example.com"))
    argo = ArgoCDServer(git, Clock(speed), TOKEN, faults, settings)
    await argo.load(manifests)
    await argo.start_synced()
    controller = asyncio.create_task(argo.run())
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        async with serve(argo.app) as url, httpx.AsyncClient(base_url=url, headers=headers) as http:
            yield World(git, argo, http, faults)
    finally:
        controller.cancel()
        with suppress(asyncio.CancelledError):
            await controller
