"""The sandbox's Argo CD against the official description: Swagger definitions and the Application CRD."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.contract.specs import contract, crd_problems, definition_problems, load
from tests.unit.integrations.sandbox.argocd.world import JSON, World, application, project, running

SWAGGER = "argocd.swagger.json"
CRD = "argocd/application-crd.yaml"
ONE = "/api/v1/applications/my-app-production"
ROLE = {"name": "reader", "policies": ["p, proj:apps:reader, applications, get, apps/*, allow"]}
WINDOW = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"], "manualSync": True}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    contract(SWAGGER)
    manifests = [project(syncWindows=[WINDOW], roles=[ROLE]), application("production"), application("staging")]
    async with running(tmp_path, manifests) as found:
        yield found


def wire(value: dict[str, Any], definition: str) -> None:
    """A7: the generated description knows no null, but Go writes one for an empty list."""
    without_null = {key: item for key, item in value.items() if item is not None}
    assert definition_problems(SWAGGER, definition, without_null) == []


async def every_state(world: World) -> list[dict[str, Any]]:
    """Each Application event of a failing attempt, its retry, a sync, an unhealthy rollout and a broken overlay."""
    seen: list[dict[str, Any]] = []
    world.faults.set({"unhealthy_rollout": ["my-app-production"]})
    with world.argo.store.subscribed() as changes:
        world.argo.fail_next_sync("my-app-production", "connection refused")
        sha = await world.promote("v1.4.2")
        await world.until(lambda one: one["status"]["sync"].get("revision") == sha)
        await world.sync(retryStrategy={"limit": 1, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "1m"}})
        await world.until(lambda one: one["status"]["health"]["status"] == "Degraded")
        await world.promote("1.10")
        await world.until(lambda one: bool(one["status"].get("conditions")))
        while not changes.empty():
            seen.append(changes.get_nowait()[1])
    return seen


async def test_every_application_obeys_crd_and_swagger(world: World) -> None:
    """A14, A16, A18, A20, A22: whatever state it is in."""
    states = await every_state(world)
    assert {(one["status"].get("operationState") or {}).get("phase") for one in states} >= {"Running", "Succeeded"}
    for state in states:
        assert crd_problems(CRD, "v1alpha1", state) == []
        typed: dict[str, Any] = {
            name: state[name] for name in ("metadata", "spec", "status", "operation") if name in state
        }
        wire(typed, "v1alpha1Application")


async def test_answers_obey_their_definitions(world: World) -> None:
    sha = await world.promote("v1.4.2")
    await world.until(lambda one: one["status"]["sync"].get("revision") == sha)
    for url, definition in {
        "/api/version": "versionVersionMessage",
        "/api/v1/session/userinfo": "sessionGetUserInfoResponse",
        "/api/v1/account/can-i/applications/sync/apps/my-app-production": "accountCanIResponse",
        f"{ONE}/resource-tree": "v1alpha1ApplicationTree",
        f"{ONE}/managed-resources": "applicationManagedResourcesResponse",
        f"{ONE}/syncwindows": "applicationApplicationSyncWindowsResponse",
        f"{ONE}/events": "eventsEventList",
        f"{ONE}/manifests": "repositoryManifestResponse",
        f"{ONE}/revisions/{sha}/metadata": "v1alpha1RevisionMetadata",
        "/api/v1/projects/apps/syncwindows": "projectSyncWindowsResponse",
    }.items():
        answer = await world.http.get(url)
        assert answer.status_code == 200, url
        wire(answer.json(), definition)


async def test_lists_and_projects(world: World) -> None:
    listed = (await world.http.get("/api/v1/applications")).json()
    assert len(listed["items"]) == 2
    for one in listed["items"]:
        assert crd_problems(CRD, "v1alpha1", one) == []
    projects = (await world.http.get("/api/v1/projects")).json()["items"]
    for one in [*projects, (await world.http.get("/api/v1/projects/apps")).json()]:
        assert crd_problems("argocd/appproject-crd.yaml", "v1alpha1", one) == []


async def test_stream_frames_are_framed_like_the_sample(world: World) -> None:
    """A9, A12."""
    first = contract("samples/argocd.stream.applications.derived.ndjson").read_text().splitlines()[0]
    sample = json.loads(first)["result"]
    async with asyncio.timeout(30), world.http.stream("GET", "/api/v1/stream/applications") as response:
        assert response.headers["content-type"] == "application/json"
        frame = json.loads(await anext(response.aiter_lines()))
    assert set(frame) == {"result"}
    assert set(frame["result"]) == set(sample)
    typed = {k: v for k, v in frame["result"]["application"].items() if k not in {"apiVersion", "kind"}}
    wire(typed, "v1alpha1Application")
    async with (
        asyncio.timeout(30),
        world.http.stream("GET", "/api/v1/stream/applications/my-app-production/resource-tree") as response,
    ):
        wire(json.loads(await anext(response.aiter_lines()))["result"], "v1alpha1ApplicationTree")


async def test_log_entries(world: World) -> None:
    """A25."""
    for line in (await world.http.get(f"{ONE}/logs")).text.splitlines():
        wire(json.loads(line)["result"], "applicationLogEntry")


async def test_requests_are_taken_as_described(world: World) -> None:
    """A13, A20: every field of the described bodies is accepted."""
    sync = {
        "revision": await world.git.head(),
        "dryRun": True,
        "prune": True,
        "strategy": {"hook": {"force": False}},
        "resources": [{"group": "apps", "kind": "Deployment", "name": "my-app", "namespace": "my-app"}],
        "syncOptions": {"items": ["CreateNamespace=true"]},
        "retryStrategy": {"limit": 1},
        "infos": [{"name": "a", "value": "b"}],
        "project": "apps",
    }
    wire(sync, "applicationApplicationSyncRequest")
    reply = await world.http.post(f"{ONE}/sync", json=sync)
    assert reply.status_code == 200
    assert crd_problems(CRD, "v1alpha1", reply.json()) == []
    rollback = {"id": 0, "prune": False, "dryRun": True, "project": "apps"}
    wire(rollback, "applicationApplicationRollbackRequest")
    await world.until(lambda one: "operation" not in one)
    assert (await world.http.post(f"{ONE}/rollback", json=rollback)).status_code == 200
    wire({"token": "x"}, "sessionSessionResponse")


async def test_every_route_is_in_the_description(world: World) -> None:
    """No invented operation: each path and method of the stand-in is an official one."""
    described = {(normal(path), method.upper()) for path, item in load(SWAGGER)["paths"].items() for method in item}
    undescribed = {"/api/webhook"}  # not part of the gRPC gateway (A26)
    served = world.argo.routes()
    assert {one for one in served if one[0] not in undescribed} <= described
    assert len(served) >= 20


def normal(path: str) -> str:
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))


async def test_manifests_of_the_samples_can_be_loaded(world: World) -> None:
    """What upstream shows as a project is taken."""
    sample = YAML(typ="safe").load(contract("samples/argocd.appproject.yaml").read_text())
    await world.argo.load([sample])
    shown = (await world.http.get("/api/v1/projects/my-project")).json()
    assert crd_problems("argocd/appproject-crd.yaml", "v1alpha1", shown) == []
    refused = await world.http.request("DELETE", f"{ONE}/operation", headers=JSON)
    assert refused.status_code == 400
