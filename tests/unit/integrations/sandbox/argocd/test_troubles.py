"""What goes wrong around Argo CD, switched on at the fault settings; the stand-in answers as the real server did."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.argocd import pace
from tests.unit.integrations.sandbox.argocd.world import (
    IMAGE,
    SELF_HEAL,
    Application,
    World,
    application,
    project,
    running,
    settled,
)

ONE = "/api/v1/applications/my-app-production"
NEW = f"{IMAGE}:v1.4.2"
OLD = f"{IMAGE}:v1.4.1"
SERVER_SIDE = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true,IncludeMutationWebhook=true"}


@asynccontextmanager
async def place(
    root: Path, *, server_side: bool = False, retry: dict[str, Any] | None = None, speed: float = 20
) -> AsyncIterator[World]:
    """production, synced by itself; `retry` of its syncs."""
    app = application("production", SELF_HEAL)
    app["metadata"]["annotations"] = dict(SERVER_SIDE) if server_side else {}
    app["spec"]["syncPolicy"]["retry"] = retry or {"limit": 0}
    async with running(root, [project(), app], speed=speed) as world:
        yield world


def state(app: Application) -> dict[str, Any]:
    found: dict[str, Any] = app["status"].get("operationState") or {}
    return found


def conditions(app: Application) -> dict[str, str]:
    return {one["type"]: one["message"] for one in app["status"].get("conditions", [])}


async def refresh(world: World) -> Application:
    found: Application = (await world.http.get(ONE, params={"refresh": "normal"})).json()
    return found


async def test_a_refusal_by_admission_is_a_failed_sync_of_the_resource(tmp_path: Path) -> None:
    """C13."""
    async with place(tmp_path) as world:
        world.faults.set({"admission_refuses": [NEW]})
        sha = await world.promote("v1.4.2")
        app = await world.until(lambda one: state(one).get("phase") == "Failed")
    assert state(app)["syncResult"]["revision"] == sha
    [denied] = state(app)["syncResult"]["resources"]
    assert (denied["kind"], denied["status"]) == ("Deployment", "SyncFailed")
    assert "denied the request" in denied["message"]
    assert NEW in denied["message"]
    assert app["status"]["summary"]["images"] == [OLD]


async def test_with_server_side_diff_a_refusal_is_a_comparison_error_until_a_stale_cache_says_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A28, C14."""
    monkeypatch.setattr(pace, "DIFF_CACHE", 20.0)
    async with place(tmp_path, server_side=True) as world:
        before = await world.app()
        world.faults.set({"admission_refuses": [NEW]})
        sha = await world.promote("v1.4.2")
        refused = await world.until(lambda one: "ComparisonError" in conditions(one))
        assert (refused["status"]["sync"]["status"], refused["status"]["sync"]["revision"]) == ("Unknown", sha)
        assert "denied the request" in conditions(refused)["ComparisonError"]
        stale = await world.until(lambda one: settled(one, sha, "Healthy"))
        assert conditions(stale) == {}
        assert stale["status"]["summary"]["images"] == [OLD]
        assert state(stale) == state(before)
        assert state(stale)["syncResult"]["revision"] != sha
        again = await refresh(world)
    assert again["status"]["sync"]["status"] == "Unknown"
    assert "ComparisonError" in conditions(again)
    assert "operation" not in again


async def test_a_commit_back_to_what_is_live_starts_no_operation(tmp_path: Path) -> None:
    """A29: the newest operation stays the older one, which failed."""
    async with place(tmp_path) as world:
        world.faults.set({"admission_refuses": [NEW]})
        bad = await world.promote("v1.4.2")
        await world.until(lambda one: state(one).get("phase") == "Failed")
        back = await world.promote("v1.4.1")
        app = await world.healthy_at(back)
    assert (state(app)["phase"], state(app)["syncResult"]["revision"]) == ("Failed", bad)


async def test_somebody_elses_sync_refuses_ours_and_says_nothing_of_its_revision(manual: World) -> None:
    """A31."""
    first = await manual.git.head()
    manual.faults.set({"foreign_sync": ["my-app-production"]})
    sha = await manual.promote("v1.4.2")
    app = await manual.until(lambda one: state(one).get("phase") == "Running")
    refused = await manual.sync(revision=sha)
    assert (refused.status_code, refused.json()["code"]) == (400, 9)
    assert refused.json()["message"] == "another operation is already in progress"
    assert state(app)["operation"]["sync"]["revision"] == first
    assert state(app)["operation"]["initiatedBy"] == {"username": "cy"}
    manual.faults.set({"foreign_sync": []})
    ended = await manual.until(lambda one: state(one).get("phase") == "Succeeded" and "operation" not in one)
    assert state(ended)["syncResult"]["revision"] == first
    assert (await manual.sync(revision=sha)).status_code == 200
    await manual.healthy_at(sha)


async def test_somebody_elses_sync_is_there_before_ours(manual: World) -> None:
    """A31: they were quicker by a moment."""
    manual.faults.set({"foreign_sync": ["my-app-production"]})
    assert (await manual.sync()).json()["code"] == 9


async def test_a_failed_hook_is_named_in_the_results_alone(tmp_path: Path) -> None:
    """A33."""
    async with place(tmp_path) as world:
        world.faults.set({"hook_fails": [NEW]})
        await world.promote("v1.4.2")
        app = await world.until(lambda one: state(one).get("phase") == "Failed")
    assert state(app)["message"] == "one or more synchronization tasks completed unsuccessfully"
    [hook] = state(app)["syncResult"]["resources"]
    assert (hook["kind"], hook["name"], hook["hookType"], hook["hookPhase"]) == ("Job", "migrate", "PreSync", "Failed")
    assert hook["message"] == "Job has reached the specified backoff limit"
    assert app["status"]["summary"]["images"] == [OLD]


async def test_the_pod_says_why_and_its_deployment_only_that_time_is_over(tmp_path: Path) -> None:
    """A33."""
    async with place(tmp_path) as world:
        world.faults.set({"pull_fails": [NEW]})
        await world.promote("v1.4.2")
        await world.until(lambda one: one["status"]["health"]["status"] == "Degraded")
        nodes = (await world.http.get(f"{ONE}/resource-tree")).json()["nodes"]
    ill = {
        node["kind"]: node["health"]["message"] for node in nodes if node.get("health", {}).get("status") == "Degraded"
    }
    assert ill == {
        "Pod": f'Back-off pulling image "{NEW}"',
        "Deployment": 'Deployment "my-app" exceeded its progress deadline',
    }


@pytest.mark.parametrize("refresh", [False, True])
async def test_the_retries_of_a_bad_commit_hold_a_good_one_unless_they_are_refreshed(
    tmp_path: Path, refresh: bool
) -> None:
    """A34."""
    retry = {"limit": 2, "refresh": refresh, "backoff": {"duration": "20s", "factor": 2}}
    async with place(tmp_path, retry=retry) as world:
        world.faults.set({"hook_fails": [NEW]})
        bad = await world.promote("v1.4.2")
        await world.until(lambda one: state(one).get("retryCount") == 1)
        good = await world.promote("v1.4.3")
        held = await world.until(lambda one: one["status"]["sync"]["revision"] == good)
        assert state(held)["operation"]["sync"]["revision"] == bad
        ended = await world.until(lambda one: state(one).get("phase") in {"Failed", "Succeeded"})
        assert state(ended)["syncResult"]["revision"] == (good if refresh else bad)
        assert state(ended)["retryCount"] == (1 if refresh else 2)
        await world.healthy_at(good)


async def test_what_another_controller_changes_is_out_of_sync_for_ever(tmp_path: Path) -> None:
    """Self-heal syncs it again, later each time."""
    async with place(tmp_path) as world:
        world.faults.set({"never_converges": ["my-app-production"]})
        sha = await world.promote("v1.4.2")
        app = await world.until(
            lambda one: state(one).get("operation", {}).get("sync", {}).get("autoHealAttemptsCount") == 2
        )
        assert app["status"]["sync"]["revision"] == sha
        out = await world.until(
            lambda one: (one["status"]["sync"]["status"], one["status"]["health"]["status"]) == ("OutOfSync", "Healthy")
        )
        assert [one["kind"] for one in out["status"]["resources"] if one["status"] == "OutOfSync"] == ["Service"]
        assert out["status"]["summary"]["images"] == [NEW]
        world.faults.set({"never_converges": []})
        await world.healthy_at(sha)


async def test_a_refresh_that_found_the_repo_server_away_is_not_repeated_before_the_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A32, A28: the revision of a comparison that could not begin is the branch's name."""
    monkeypatch.setattr(pace, "RESYNC", 1e6)
    async with place(tmp_path) as world:
        world.faults.set({"repo_server_away": True})
        sha = await world.promote("v1.4.2")
        away = await world.until(lambda one: "ComparisonError" in conditions(one))
        assert (away["status"]["sync"]["status"], away["status"]["sync"]["revision"]) == ("Unknown", "main")
        assert "code = Unavailable" in conditions(away)["ComparisonError"]
        reads = world.argo.store.resource_version
        world.faults.set({"repo_server_away": False})
        assert (await world.app())["status"]["sync"]["revision"] == "main"
        assert world.argo.store.resource_version == reads
        assert (await refresh(world))["status"]["sync"]["revision"] == sha


async def test_what_nobody_announced_is_seen_at_the_poll(tmp_path: Path) -> None:
    """A32: 120 to 180 s on the world's clock."""
    async with place(tmp_path, speed=200) as world:
        world.faults.set({"webhooks_lost": True})
        first = (await world.app())["status"]["sync"]["revision"]
        sha = await world.promote("v1.4.2")
        assert (await world.app())["status"]["sync"]["revision"] == first
        await world.healthy_at(sha)


def test_the_poll_has_the_real_servers_length() -> None:
    """A32."""
    assert (pace.RESYNC, pace.JITTER) == (120.0, 60.0)


async def test_an_object_that_is_not_refused_goes_in(tmp_path: Path) -> None:
    """What the policy says of one image it does not say of another."""
    async with place(tmp_path, server_side=True) as world:
        world.faults.set({"admission_refuses": [f"{IMAGE}:v1.4.22", f"other/{NEW}"], "hook_fails": [OLD]})
        await world.healthy_at(await world.promote("v1.4.2"))
