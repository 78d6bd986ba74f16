"""A commit on the branch becomes what runs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.argocd import ArgoServerSettings
from tests.unit.integrations.sandbox.argocd.world import (
    IMAGE,
    SELF_HEAL,
    World,
    application,
    overlay,
    path,
    project,
    running,
    settled,
)


def story(app: dict[str, Any]) -> tuple[Any, ...]:
    status = app["status"]
    phase = (status.get("operationState") or {}).get("phase")
    return status["sync"]["status"], "operation" in app, phase, status["health"]["status"]


async def test_the_whole_story_of_an_automated_sync(world: World) -> None:
    """A14, A19: `operation` first, then its state; health is the old one until the reconcile after the end."""
    quiet = ("Synced", False, "Succeeded", "Healthy")
    seen: list[tuple[Any, ...]] = [quiet]
    with world.argo.store.subscribed() as changes:
        sha = await world.promote("v1.4.2")
        async with asyncio.timeout(30):
            while seen[1:] == [] or seen[-1] != quiet:
                _, app = await changes.get()
                if app["metadata"]["name"] == "my-app-production" and seen[-1] != story(app):
                    seen.append(story(app))
    assert seen == [
        quiet,
        ("OutOfSync", True, None, "Healthy"),
        ("OutOfSync", True, "Running", "Healthy"),
        ("OutOfSync", False, "Succeeded", "Healthy"),
        ("Synced", False, "Succeeded", "Progressing"),
        ("Synced", False, "Succeeded", "Healthy"),
    ]
    app = await world.app()
    assert app["status"]["sync"]["revision"] == sha
    assert app["status"]["summary"]["images"] == [f"{IMAGE}:v1.4.2"]
    state = app["status"]["operationState"]
    assert state["syncResult"]["revision"] == state["operation"]["sync"]["revision"] == sha
    assert state["operation"]["initiatedBy"] == {"automated": True}
    assert app["status"]["reconciledAt"] >= state["finishedAt"]


async def test_health_stays_the_old_one_for_a_while_after_the_operation(tmp_path: Path) -> None:
    """A19: who asks then sees Succeeded and Healthy, of the revision before."""
    async with running(tmp_path, [project(), application("production", SELF_HEAL)], speed=4) as world:
        sha = await world.promote("v1.4.2")
        await world.until(lambda one: (one["status"].get("operationState") or {}).get("phase") == "Succeeded"
                          and one["status"]["sync"]["revision"] == sha)  # fmt: skip
        trapped = (await world.app())["status"]
        assert (trapped["operationState"]["phase"], trapped["health"]["status"]) == ("Succeeded", "Healthy")
        assert trapped["sync"]["status"] == "OutOfSync"
        assert trapped["reconciledAt"] <= trapped["operationState"]["finishedAt"]
        assert trapped["summary"]["images"] == [f"{IMAGE}:v1.4.1"]
        await world.until(lambda one: one["status"]["health"]["status"] == "Progressing")


async def test_only_the_changed_overlay_is_out_of_sync_but_every_revision_moves(world: World) -> None:
    before = await world.app("my-app-staging")
    sha = await world.promote("v1.4.2")
    await world.healthy_at(sha)
    other = await world.healthy_at(sha, "my-app-staging")
    assert len(other["status"]["history"]) == len(before["status"]["history"])


async def test_a_change_of_the_base_reaches_every_environment(world: World) -> None:
    service = b"apiVersion: v1\nkind: Service\nmetadata: {name: my-app}\nspec: {ports: [{port: 8080}]}\n"
    sha = await world.git.commit({"apps/my-app/base/service.yaml": service}, "Port", "Cy", "cy@example.com")
    for environment in ("development", "staging", "production"):
        app = await world.until(
            lambda one: len(one["status"]["history"]) == 2 and settled(one, sha, "Healthy"), f"my-app-{environment}"
        )
        assert app["status"]["history"][-1]["revision"] == sha


async def test_without_automation_it_stays_out_of_sync(manual: World) -> None:
    sha = await manual.promote("v1.4.2")
    app = await manual.until(lambda one: one["status"]["sync"]["revision"] == sha)
    assert app["status"]["sync"]["status"] == "OutOfSync"
    assert "operation" not in app
    assert app["status"]["summary"]["images"] == [f"{IMAGE}:v1.4.1"]


async def test_an_unhealthy_rollout_says_which_resource_and_why(world: World) -> None:
    world.faults.set({"unhealthy_rollout": ["my-app-production"]})
    sha = await world.promote("v1.4.3")
    app = await world.until(lambda one: settled(one, sha, "Degraded"))
    assert app["status"]["operationState"]["phase"] == "Succeeded"
    tree = (await world.http.get("/api/v1/applications/my-app-production/resource-tree")).json()
    bad = {node["kind"]: node["health"] for node in tree["nodes"] if node.get("health", {}).get("status") == "Degraded"}
    assert bad["Deployment"]["message"] == 'Deployment "my-app" exceeded its progress deadline'
    assert bad["Pod"]["message"].startswith("back-off 40s restarting failed container=my-app")
    pods = [node for node in tree["nodes"] if node["kind"] == "Pod"]
    assert sorted(pod["health"]["status"] for pod in pods) == ["Degraded", "Healthy", "Healthy"]
    assert {image for pod in pods for image in pod["images"]} == {f"{IMAGE}:v1.4.1", f"{IMAGE}:v1.4.3"}


async def test_going_back_to_what_ran_well_is_healthy_although_the_fault_is_still_on(world: World) -> None:
    world.faults.set({"unhealthy_rollout": ["my-app-production"]})
    bad = await world.promote("v1.4.3")
    await world.until(lambda one: settled(one, bad, "Degraded"))
    app = await world.healthy_at(await world.promote("v1.4.1"))
    assert app["status"]["summary"]["images"] == [f"{IMAGE}:v1.4.1"]


async def test_an_image_that_no_registry_has_cannot_be_pulled(tmp_path: Path) -> None:
    settings = ArgoServerSettings(image_exists=lambda image: not image.endswith(":v9"))
    async with running(tmp_path, [project(), application("production", SELF_HEAL)], settings) as world:
        sha = await world.promote("v9")
        await world.until(lambda one: settled(one, sha, "Degraded"))
        tree = (await world.http.get("/api/v1/applications/my-app-production/resource-tree")).json()
        messages = [node.get("health", {}).get("message", "") for node in tree["nodes"] if node["kind"] == "Pod"]
        assert f'Back-off pulling image "{IMAGE}:v9"' in messages


async def test_drift_is_healed(world: World) -> None:
    world.argo.drift("my-app-production", f"{IMAGE}:hotfix")
    drifted = await world.until(lambda one: one["status"]["sync"]["status"] == "OutOfSync")
    assert f"{IMAGE}:hotfix" in drifted["status"]["summary"]["images"]
    app = await world.until(
        lambda one: settled(one, one["status"]["sync"]["revision"], "Healthy") and len(one["status"]["history"]) == 2
    )
    assert app["status"]["summary"]["images"] == [f"{IMAGE}:v1.4.1"]


async def test_drift_without_self_heal_stays(tmp_path: Path) -> None:
    async with running(tmp_path, [project(), application("production", {"prune": True})]) as world:
        world.argo.drift("my-app-production", f"{IMAGE}:hotfix")
        await world.until(lambda one: one["status"]["sync"]["status"] == "OutOfSync")
        refreshed = await world.http.get("/api/v1/applications/my-app-production", params={"refresh": "normal"})
        assert refreshed.json()["status"]["sync"]["status"] == "OutOfSync"
        assert "operation" not in refreshed.json()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (overlay("1.10"), "cannot unmarshal number into Go struct field Image.images.newTag of type string"),
        (b"resources: [../../base\n", "yaml:"),
        (b"resources: [../../base, gone.yaml]\n", "no such file or directory"),
        (b"resources: [../../base]\nreplicaz: []\n", 'unknown field "replicaz"'),
    ],
)
async def test_an_overlay_that_cannot_be_built_is_a_comparison_error(world: World, content: bytes, reason: str) -> None:
    """A18: the sync status is then Unknown, and what runs goes on running."""
    await world.git.commit({path("production"): content}, "Oops", "Cy", "cy@example.com")
    app = await world.until(lambda one: one["status"]["sync"]["status"] == "Unknown")
    [condition] = app["status"]["conditions"]
    assert condition["type"] == "ComparisonError"
    assert reason in condition["message"]
    assert app["status"]["health"]["status"] == "Healthy"
    fixed = await world.healthy_at(await world.promote("v1.4.2"))
    assert "conditions" not in fixed["status"]


async def test_a_removed_manifest_is_pruned_only_where_policy_says_so(tmp_path: Path) -> None:
    manifests = [project(), application("staging", {"prune": False}), application("production", SELF_HEAL)]
    async with running(tmp_path, manifests) as world:
        base = {"apps/my-app/base/kustomization.yaml": b"resources: [deployment.yaml]\n"}
        sha = await world.git.commit(base, "No service", "Cy", "cy@example.com")
        await world.until(lambda one: settled(one, sha, "Healthy"))
        kept = await world.until(lambda one: one["status"]["sync"]["revision"] == sha, "my-app-staging")
        assert kept["status"]["sync"]["status"] == "OutOfSync"
        [service] = [one for one in kept["status"]["resources"] if one["kind"] == "Service"]
        assert service["requiresPruning"] is True


async def test_rows_for_people(world: World) -> None:
    calls: list[None] = []
    world.argo.on_change(lambda: calls.append(None))
    sha = await world.promote("v1.4.2")
    await world.healthy_at(sha)
    rows = {row["name"]: row for row in world.argo.snapshot()}
    assert rows["my-app-production"] == {
        "name": "my-app-production",
        "app": "my-app",
        "environment": "production",
        "sync": "Synced",
        "health": "Healthy",
        "revision": sha,
        "images": [f"{IMAGE}:v1.4.2"],
        "operation": "Succeeded",
        "message": "successfully synced (all tasks run)",
    }
    assert calls


async def test_an_applicationset_follows_the_directories(tmp_path: Path) -> None:
    spec = application("production", SELF_HEAL)["spec"]
    spec["source"]["path"] = "{{.path.path}}"
    directories = {"repoURL": "x", "revision": "main", "directories": [{"path": "apps/*/overlays/*"}]}
    template = {"metadata": {"name": "{{index .path.segments 1}}-{{.path.basename}}"}, "spec": spec}
    applicationset = {
        "kind": "ApplicationSet",
        "metadata": {"name": "apps"},
        "spec": {"goTemplate": True, "generators": [{"git": directories}], "template": template},
    }
    async with running(tmp_path, [project(), applicationset]) as world:
        names = sorted(world.argo.store.applications)
        assert names == ["my-app-development", "my-app-production", "my-app-staging"]
        gone = {path("staging"): None, path("staging", "replica-patch.yaml"): None}
        moves: set[tuple[str, str]] = set()
        with world.argo.store.subscribed() as changes:
            more = {path("preview"): b"resources: [../../base]\n", **gone}
            await world.git.commit(more, "Preview", "Cy", "cy@example.com")
            async with asyncio.timeout(30):
                while len(moves) < 2:
                    kind, app = await changes.get()
                    moves |= {(kind, app["metadata"]["name"])} if kind != "MODIFIED" else set()
        assert moves == {("ADDED", "my-app-preview"), ("DELETED", "my-app-staging")}
        sha = await world.git.head()
        first = await world.healthy_at(sha, "my-app-preview")
        assert first["status"]["history"][0]["id"] == 0


async def test_starting_with_an_overlay_that_cannot_be_built(tmp_path: Path) -> None:
    broken = application("production", SELF_HEAL)
    broken["spec"]["source"]["path"] = "apps/nowhere"
    async with running(tmp_path, [project(), broken, application("staging", SELF_HEAL)]) as world:
        app = await world.until(lambda one: bool(one["status"].get("conditions")))
        assert "app path does not exist" in app["status"]["conditions"][0]["message"]
        assert (await world.app("my-app-staging"))["status"]["health"]["status"] == "Healthy"


async def test_the_first_sync_of_an_empty_cluster(world: World) -> None:
    """A18: Missing until something runs."""
    with world.argo.store.subscribed() as changes:
        fourth = application("production", SELF_HEAL)
        fourth["metadata"]["name"] = "my-app-second"
        await world.argo.load([fourth])
        healths: list[str] = []
        async with asyncio.timeout(30):
            while not healths or healths[-1] != "Healthy":
                _, app = await changes.get()
                health = app["status"].get("health", {}).get("status")
                if app["metadata"]["name"] == "my-app-second" and health and health not in healths:
                    healths.append(health)
    assert healths == ["Missing", "Progressing", "Healthy"]
