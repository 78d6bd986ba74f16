"""Sync, terminate, retry, rollback."""

from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.argocd.access import Account
from tests.unit.integrations.sandbox.argocd.world import JSON, SELF_HEAL, World, application, project, running, settled

ONE = "/api/v1/applications/my-app-production"
ALWAYS = {"schedule": "* * * * *", "duration": "1h", "applications": ["*"]}


def phase(app: dict[str, Any]) -> str | None:
    return (app["status"].get("operationState") or {}).get("phase")


async def test_the_reply_to_a_sync_comes_before_anything_ran(manual: World) -> None:
    """A13, A14."""
    sha = await manual.promote("v1.4.2")
    reply = await manual.sync(revision=sha, prune=True, infos=[{"name": "Promotion", "value": "p-1"}])
    assert reply.status_code == 200
    assert reply.json()["operation"]["sync"]["revision"] == sha
    assert reply.json()["status"].get("operationState") is None
    app = await manual.healthy_at(sha)
    state = app["status"]["operationState"]
    assert state["operation"]["initiatedBy"] == {"username": "pilothouse"}
    assert state["operation"]["info"] == [{"name": "Promotion", "value": "p-1"}]
    messages = {one["kind"]: one["message"] for one in state["syncResult"]["resources"]}
    assert messages == {"Deployment": "deployment.apps/my-app configured", "Service": "service/my-app unchanged"}


async def test_only_one_operation_at_a_time(manual: World) -> None:
    """A15."""
    assert (await manual.sync()).status_code == 200
    refused = await manual.sync()
    assert (refused.status_code, refused.json()["code"]) == (400, 9)
    assert refused.json()["message"] == "another operation is already in progress"


async def test_with_automation_only_the_target_revision_can_be_synced(world: World) -> None:
    """A15: even a commit that is the branch's head."""
    head = await world.git.head()
    refused = await world.sync(revision=head)
    assert (refused.status_code, refused.json()["code"]) == (400, 9)
    assert refused.json()["message"] == f"Cannot sync to {head}: auto-sync currently set to main"
    assert (await world.sync(revision="main")).status_code == 200
    assert (await world.sync("my-app-staging", revision=head, dryRun=True)).status_code == 200


async def test_an_unknown_revision(manual: World) -> None:
    refused = await manual.sync(revision="f" * 40)
    assert refused.status_code == 400


async def test_a_deny_window_is_403_like_a_missing_permission(tmp_path: Path) -> None:
    """A15, A23: and automation waits too."""
    windows = [{"kind": "deny", **ALWAYS}]
    async with running(tmp_path, [project(syncWindows=windows), application("production", SELF_HEAL)]) as world:
        answer = (await world.http.get(f"{ONE}/syncwindows")).json()
        shown = {"kind": "deny", "schedule": "* * * * *", "duration": "1h"}
        assert answer == {"canSync": False, "activeWindows": [shown], "assignedWindows": [shown]}
        refused = await world.sync()
        assert (refused.status_code, refused.json()["code"]) == (403, 7)
        assert refused.json()["message"] == "cannot sync: blocked by sync window"
        sha = await world.promote("v1.4.2")
        app = await world.until(lambda one: one["status"]["sync"]["revision"] == sha)
        assert app["status"]["sync"]["status"] == "OutOfSync"
        assert "operation" not in app


async def test_a_window_with_manual_sync_lets_people_through(tmp_path: Path) -> None:
    """A23: `canSync` answers for a manual sync."""
    windows = [{"kind": "deny", **ALWAYS, "manualSync": True}]
    async with running(tmp_path, [project(syncWindows=windows), application("production", SELF_HEAL)]) as world:
        assert (await world.http.get(f"{ONE}/syncwindows")).json()["canSync"] is True
        sha = await world.promote("v1.4.2")
        await world.until(lambda one: one["status"]["sync"]["status"] == "OutOfSync")
        assert (await world.sync()).status_code == 200
        await world.healthy_at(sha)


async def test_a_failed_attempt_that_waits_for_its_retry_looks_finished(manual: World) -> None:
    """A16: phase Running WITH finishedAt and retryCount."""
    manual.argo.fail_next_sync("my-app-production", "connection refused")
    await manual.sync(retryStrategy={"limit": 2, "backoff": {"duration": "2s"}})
    waiting = await manual.until(lambda one: bool((one["status"].get("operationState") or {}).get("retryCount")))
    state = waiting["status"]["operationState"]
    assert (state["phase"], state["retryCount"]) == ("Running", 1)
    assert state["finishedAt"]
    assert state["message"].startswith("connection refused. Retrying attempt #1 at ")
    assert "operation" in waiting
    done = await manual.until(lambda one: phase(one) == "Succeeded")
    assert done["status"]["operationState"]["retryCount"] == 1


async def test_retries_end(manual: World) -> None:
    """A16."""
    for _ in range(2):
        manual.argo.fail_next_sync("my-app-production", "connection refused")
    await manual.sync(retryStrategy={"limit": 1, "backoff": {"duration": "1s"}})
    failed = await manual.until(lambda one: phase(one) == "Failed")
    assert failed["status"]["operationState"]["message"] == "connection refused"
    assert "operation" not in failed


async def test_a_failed_revision_is_not_tried_again_by_itself(tmp_path: Path) -> None:
    """A18: the condition SyncError says so."""
    app = application("production", SELF_HEAL)
    app["spec"]["syncPolicy"]["retry"] = {"limit": 0}
    async with running(tmp_path, [project(), app]) as world:
        world.argo.fail_next_sync("my-app-production", "connection refused")
        sha = await world.promote("v1.4.2")
        found = await world.until(lambda one: bool(one["status"].get("conditions")))
        [condition] = found["status"]["conditions"]
        assert condition["type"] == "SyncError"
        assert condition["message"] == f"Failed last sync attempt to [{sha}]: connection refused"
        assert (await world.http.get(ONE, params={"refresh": "normal"})).json().get("operation") is None


async def test_terminate(tmp_path: Path) -> None:
    """A17."""
    async with running(tmp_path, [project(), application("production")], speed=1) as world:
        nothing = await world.http.request("DELETE", f"{ONE}/operation", headers=JSON)
        assert (nothing.status_code, nothing.json()["code"]) == (400, 3)
        await world.sync()
        requested = await world.http.request("DELETE", f"{ONE}/operation", headers=JSON)
        assert requested.json()["message"] == "Unable to terminate operation. No operation is in progress"
        await world.until(lambda one: phase(one) == "Running")
        accepted = await world.http.request("DELETE", f"{ONE}/operation", headers=JSON)
        assert (accepted.status_code, accepted.json()) == (200, {})
        ended = await world.until(lambda one: phase(one) == "Failed")
        assert ended["status"]["operationState"]["message"] == "Operation terminated"


async def test_a_dry_run_changes_nothing(manual: World) -> None:
    sha = await manual.promote("v1.4.2")
    await manual.sync(dryRun=True)
    app = await manual.until(lambda one: phase(one) == "Succeeded" and one["status"]["sync"]["revision"] == sha)
    assert app["status"]["sync"]["status"] == "OutOfSync"
    assert len(app["status"]["history"]) == 1


async def test_history_and_rollback(manual: World) -> None:
    """A20: by history id; git is not written, so the application is OutOfSync afterwards."""
    first = (await manual.app())["status"]["history"][0]
    sha = await manual.promote("v1.4.2")
    await manual.until(lambda one: one["status"]["sync"]["revision"] == sha)
    await manual.sync()
    app = await manual.healthy_at(sha)
    assert [one["id"] for one in app["status"]["history"]] == [0, 1]
    assert app["status"]["history"][1]["revision"] == sha
    reply = await manual.http.post(f"{ONE}/rollback", json={"id": first["id"]})
    assert reply.status_code == 200
    back = await manual.until(
        lambda one: len(one["status"]["history"]) == 3 and one["status"]["sync"]["status"] == "OutOfSync"
    )
    assert back["status"]["history"][2]["revision"] == first["revision"]
    assert await manual.git.head() == sha


@pytest.mark.parametrize(("body", "code"), [({"id": 7}, 3)])
async def test_rollback_to_an_unknown_id(manual: World, body: dict[str, int], code: int) -> None:
    """A20."""
    refused = await manual.http.post(f"{ONE}/rollback", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert refused.json()["message"] == "application my-app-production does not have deployment with id 7"


async def test_no_rollback_while_automated(world: World) -> None:
    """A20."""
    refused = await world.http.post(f"{ONE}/rollback", json={"id": 0})
    assert (refused.status_code, refused.json()["code"]) == (400, 9)


async def test_history_is_as_long_as_the_limit(tmp_path: Path) -> None:
    """A20."""
    app = application("production", SELF_HEAL)
    app["spec"]["revisionHistoryLimit"] = 2
    async with running(tmp_path, [project(), app]) as world:
        for tag in ("v2", "v3"):
            sha = await world.promote(tag)
            found = await world.until(lambda one, sha=sha: settled(one, sha, "Healthy"))  # type: ignore[misc]
        assert [one["id"] for one in found["status"]["history"]] == [1, 2]


async def test_only_the_named_resources_are_synced(manual: World) -> None:
    """A13."""
    await manual.promote("v1.4.2")
    await manual.http.get(ONE, params={"refresh": "normal"})
    await manual.sync(resources=[{"group": "", "kind": "Service", "name": "my-app", "namespace": "my-app"}])
    app = await manual.until(lambda one: phase(one) == "Succeeded" and "operation" not in one)
    assert [one["kind"] for one in app["status"]["operationState"]["syncResult"]["resources"]] == ["Service"]
    assert len(app["status"]["history"]) == 1


async def test_a_person_syncs_an_older_commit_where_automated_sync_is_off(world: World) -> None:
    """A15, A20: the history says who it was."""
    before = await world.git.head()
    await world.healthy_at(await world.promote("v1.4.2"))
    world.argo.stop_syncing("my-app-production")
    token = world.argo.log_in("kim")
    headers = {**JSON, "Authorization": f"Bearer {token}"}
    reply = await world.http.post(f"{ONE}/sync", json={"revision": before}, headers=headers)
    assert reply.status_code == 200
    app = await world.until(lambda app: app["status"]["history"][-1]["revision"] == before and "operation" not in app)
    assert app["status"]["operationState"]["operation"]["initiatedBy"] == {"username": "kim"}
    assert "automated" not in app["spec"]["syncPolicy"]


async def test_who_is_there_already_logs_in_with_their_own_rights(world: World) -> None:
    world.argo.access.add(Account("guest", (("applications", "get", "*"),)))
    headers = {**JSON, "Authorization": f"Bearer {world.argo.log_in('guest')}"}
    assert (await world.http.get(ONE, headers=headers)).status_code == 200
    assert (await world.http.post(f"{ONE}/sync", json={}, headers=headers)).status_code == 403


async def test_annotations_are_merged_and_null_takes_one_away(world: World) -> None:
    name, where = "my-app-production", world.argo.store
    world.argo.annotate(name, {"a": "1", "b": "2"})
    world.argo.annotate(name, {"a": None, "c": "3"})
    world.argo.annotate("apps", {"team": "shop"}, project=True)
    assert where.applications[name]["metadata"]["annotations"].items() >= {"b": "2", "c": "3"}.items()
    assert "a" not in where.applications[name]["metadata"]["annotations"]
    assert where.projects["apps"]["metadata"]["annotations"]["team"] == "shop"
