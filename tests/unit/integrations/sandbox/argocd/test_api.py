"""The API server's manners: who may ask, for what, and how it refuses."""

import json
from pathlib import Path

import pytest

from integrations.sandbox.argocd import Account, ArgoServerSettings
from tests.unit.integrations.sandbox.argocd.world import JSON, TOKEN, World, application, project, running

ONE = "/api/v1/applications/my-app-production"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_tokens(world: World) -> None:
    """A1: absent, wrong and expired tokens are 401 with code 16; the bearer header wins over the cookie."""
    for headers in ({"Authorization": ""}, bearer("nonsense"), bearer(world.argo.access.mint("pilothouse", -60))):
        refused = await world.http.get("/api/v1/applications", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, 16)
        assert refused.json()["message"].split()[0] in {"invalid", "no"}
    good = world.argo.access.mint("pilothouse", 3600)
    assert (await world.http.get("/api/v1/applications", headers=bearer(good))).status_code == 200
    by_cookie = {"Authorization": "", "Cookie": f"argocd.token={good}"}
    assert (await world.http.get("/api/v1/applications", headers=by_cookie)).status_code == 200
    losing = bearer("nonsense") | {"Cookie": f"argocd.token={good}"}
    assert (await world.http.get("/api/v1/applications", headers=losing)).status_code == 401


async def test_login_and_its_lock(tmp_path: Path) -> None:
    """A1: user name and password give a login token; five failures lock the user."""
    async with running(tmp_path, [project()], ArgoServerSettings(users={"dee": "s3cret"})) as world:
        answer = await world.http.post("/api/v1/session", json={"username": "dee", "password": "s3cret"})
        who = await world.http.get("/api/v1/session/userinfo", headers=bearer(answer.json()["token"]))
        assert who.json() == {"loggedIn": True, "username": "dee", "iss": "argocd"}
        for _ in range(5):
            wrong = await world.http.post("/api/v1/session", json={"username": "dee", "password": "?"})
            assert wrong.status_code == 401
        locked = await world.http.post("/api/v1/session", json={"username": "dee", "password": "s3cret"})
        assert locked.status_code == 401


async def test_a_project_role_token_may_what_its_policies_say(tmp_path: Path) -> None:
    """A1: `sub` is `proj:<project>:<role>`."""
    role = {"name": "reader", "policies": ["p, proj:apps:reader, applications, get, apps/*, allow"]}
    async with running(tmp_path, [project(roles=[role]), application("production")]) as world:
        headers = bearer(world.argo.access.mint("proj:apps:reader"))
        assert (await world.http.get(ONE, headers=headers)).status_code == 200
        refused = await world.http.post(f"{ONE}/sync", json={}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, 7)
        asked = {verb: f"/api/v1/account/can-i/applications/{verb}/apps/my-app-production" for verb in ("get", "sync")}
        answers = {verb: (await world.http.get(url, headers=headers)).json()["value"] for verb, url in asked.items()}
        assert answers == {"get": "yes", "sync": "no"}


@pytest.mark.parametrize("given", [None, "application/json; charset=utf-8", "text/plain"])
async def test_content_type_is_compared_as_a_whole_string(world: World, given: str | None) -> None:
    """A2: also for a DELETE without a body."""
    headers = {} if given is None else {"Content-Type": given}
    refused = await world.http.request("DELETE", f"{ONE}/operation", headers=headers)
    assert (refused.status_code, refused.text) == (415, "Invalid content type")
    assert refused.headers["content-type"].startswith("text/plain")


async def test_error_bodies(world: World) -> None:
    """A3: JSON with the gRPC code; routing errors are plain text."""
    refused = await world.http.post(f"{ONE}/rollback", content=b"{", headers=JSON)
    assert refused.status_code == 400
    assert refused.json()["code"] == 3
    assert refused.json()["error"] == refused.json()["message"]
    for method, url in (("GET", "/api/v1/nowhere"), ("POST", "/api/v1/applications")):
        unknown = await world.http.request(method, url, headers=JSON)
        assert unknown.status_code in {404, 405, 501}
        assert unknown.headers["content-type"].startswith("text/plain")


async def test_an_absent_application_is_403_unless_the_project_is_named(world: World) -> None:
    """A5."""
    absent = "/api/v1/applications/nowhere"
    for url, params, status, code in (
        (absent, {}, 403, 7),
        (absent, {"project": "apps"}, 404, 5),
        (ONE, {"project": "other"}, 404, 5),
        (ONE, {"appNamespace": "elsewhere"}, 403, 7),
        (ONE, {"project": ["apps", "other"]}, 400, 3),
    ):
        refused = await world.http.get(url, params=params)
        assert (refused.status_code, refused.json()["code"]) == (status, code), (url, params)
    assert (await world.http.get(ONE, params={"project": "apps"})).status_code == 200


async def test_a_list_without_items_is_null_and_hides_what_may_not_be_seen(tmp_path: Path) -> None:
    """A7."""
    only_staging = Account("pilothouse", (("applications", "*", "apps/*-staging"),))
    manifests = [project(), application("staging"), application("production")]
    async with running(tmp_path, manifests, ArgoServerSettings(bot=only_staging)) as world:
        listed = (await world.http.get("/api/v1/applications")).json()
        assert [one["metadata"]["name"] for one in listed["items"]] == ["my-app-staging"]
        assert (await world.http.get("/api/v1/applications", params={"projects": "x"})).json()["items"] is None


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"selector": "environment=staging"}, ["staging"]),
        ({"selector": "environment in (staging, production)"}, ["production", "staging"]),
        ({"selector": "environment!=staging,environment"}, ["development", "production"]),
        ({"selector": "!environment"}, []),
        ({"name": "my-app-development"}, ["development"]),
        ({"projects": ["x", "apps"]}, ["development", "production", "staging"]),
        ({"repo": "https://elsewhere"}, []),
    ],
)
async def test_list_filters(world: World, params: dict[str, str], names: list[str]) -> None:
    """A7: sorted by name."""
    listed = (await world.http.get("/api/v1/applications", params=params)).json()["items"] or []
    assert [one["metadata"]["name"] for one in listed] == [f"my-app-{name}" for name in names]


async def test_list_fields(world: World) -> None:
    """A7: a fixed whitelist; `operation.sync` of the state is really the RESULT."""
    fields = "items.metadata.name,items.status.history,items.status.operationState.operation.sync"
    params = {"fields": fields, "name": "my-app-production"}
    [found] = (await world.http.get("/api/v1/applications", params=params)).json()["items"]
    full = await world.app()
    result = full["status"]["operationState"]["syncResult"]
    assert found == {
        "metadata": {"name": "my-app-production"},
        "status": {"operationState": {"operation": {"sync": result}}},
    }
    params["fields"] = "-items.spec,items.status.resources"
    [rest] = (await world.http.get("/api/v1/applications", params=params)).json()["items"]
    assert "spec" not in rest
    assert "resources" not in rest["status"]
    assert rest["status"]["sync"] == {"status": "Synced"}


async def test_refresh_blocks_until_the_controller_has_compared(world: World) -> None:
    """A8: sooner than the poll would, and the annotation is gone afterwards."""
    sha = await world.git.commit({"README.md": b"1"}, "Nothing", "Cy", "cy@example.com")
    found = (await world.http.get(ONE, params={"refresh": "anything"})).json()
    assert found["status"]["sync"]["revision"] == sha
    assert found["metadata"].get("annotations", {}) == {}


async def test_refresh_without_a_controller_reaches_its_deadline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A8."""
    monkeypatch.setattr("integrations.sandbox.argocd.routes.applications.REFRESH_DEADLINE", 0.05)
    monkeypatch.setattr("integrations.sandbox.argocd.worker.Worker.refresh", lambda self: None)
    refused = await world.http.get(ONE, params={"refresh": "normal"})
    assert refused.status_code == 500
    assert refused.json()["message"] == "application refresh deadline exceeded"


async def test_health_of_resources_is_filled_in_by_the_api_only(world: World) -> None:
    """A22."""
    shown = {one["kind"]: one for one in (await world.app())["status"]["resources"]}
    assert shown["Deployment"]["health"] == {"status": "Healthy"}
    stored = world.argo.store.applications["my-app-production"]["status"]
    assert stored["resourceHealthSource"] == "appTree"
    assert all("health" not in one for one in stored["resources"])


async def test_managed_resources_hold_json_in_strings(manual: World) -> None:
    """A21."""
    await manual.git.commit({"apps/my-app/base/kustomization.yaml": b"resources: [deployment.yaml]\n"}, "x", "C", "c@x")
    await manual.http.get(ONE, params={"refresh": "normal"})
    params = {"kind": "Service"}
    [service] = (await manual.http.get(f"{ONE}/managed-resources", params=params)).json()["items"]
    assert service["targetState"] == "null"
    assert '"kind": "Service"' in service["liveState"]


async def test_logs_end_with_a_last_entry(world: World) -> None:
    """A25."""
    params = {"kind": "Deployment", "resourceName": "my-app", "tailLines": "1"}
    answer = await world.http.get(f"{ONE}/logs", params=params)
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["result"]["last"] for one in entries] == [False, False, True]
    assert {one["result"]["content"] for one in entries[:-1]} == {'level=info msg="ready"'}
    refused = await world.http.get(f"{ONE}/logs", params={"podName": "nope"})
    assert refused.status_code == 404


async def test_logs_need_their_own_permission(tmp_path: Path) -> None:
    """A25."""
    no_logs = Account("pilothouse", (("applications", "*", "*"),))
    async with running(tmp_path, [project(), application("production")], ArgoServerSettings(bot=no_logs)) as world:
        assert (await world.http.get(f"{ONE}/logs")).status_code == 403


async def test_events_of_the_application_and_of_a_failing_pod(world: World) -> None:
    world.faults.set({"unhealthy_rollout": ["my-app-production"]})
    await world.promote("v2")
    await world.until(lambda one: one["status"]["health"]["status"] == "Degraded")
    reasons = {one["reason"] for one in (await world.http.get(f"{ONE}/events")).json()["items"]}
    assert {"OperationStarted", "OperationCompleted", "ResourceUpdated"} <= reasons
    tree = (await world.http.get(f"{ONE}/resource-tree")).json()["nodes"]
    [pod] = [one for one in tree if one["kind"] == "Pod" and one["health"]["status"] == "Degraded"]
    [event] = (await world.http.get(f"{ONE}/events", params={"resourceUID": pod["uid"]})).json()["items"]
    assert (event["reason"], event["type"]) == ("BackOff", "Warning")


async def test_revision_metadata(world: World) -> None:
    sha = await world.promote("v1.4.2")
    found = (await world.http.get(f"{ONE}/revisions/{sha}/metadata")).json()
    assert (found["author"], found["message"]) == ("Bo <bo@example.com>", "Promote v1.4.2")


async def test_weather(world: World) -> None:
    world.faults.set({"weather": {"argocd": "error-500"}})
    assert (await world.http.get(ONE)).status_code == 500


async def test_webhook(tmp_path: Path) -> None:
    """A26: refreshes at once those that the paths annotation names; refuses what it does not understand."""
    concerned, other = application("production"), application("staging")
    for one in (concerned, other):
        one["metadata"]["annotations"] = {"argocd.argoproj.io/manifest-generate-paths": ".;../../base"}
    async with running(
        tmp_path, [project(), concerned, other], ArgoServerSettings(webhook_secret=""), speed=0.1
    ) as world:
        before = world.argo.store.applications["my-app-staging"]["status"]["sync"]["revision"]
        sha = await world.promote("v1.4.2")
        payload = {"commits": [{"modified": ["apps/my-app/overlays/production/kustomization.yaml"]}]}
        sent = await world.http.post("/api/webhook", json=payload, headers={"X-GitHub-Event": "push"})
        assert sent.status_code == 200
        await world.until(lambda one: one["status"]["sync"]["revision"] == sha)
        assert (await world.app("my-app-staging"))["status"]["sync"]["revision"] == before
        for headers in ({}, {"X-GitHub-Event": "juggling"}):
            assert (await world.http.post("/api/webhook", json={}, headers=headers)).status_code == 400


async def test_webhook_signature(tmp_path: Path) -> None:
    """A26."""
    async with running(tmp_path, [project()], ArgoServerSettings(webhook_secret="shh")) as world:
        headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=00"}
        assert (await world.http.post("/api/webhook", json={}, headers=headers)).status_code == 401


async def test_two_servers_do_not_know_each_others_tokens(world: World, tmp_path: Path) -> None:
    async with running(tmp_path / "other", [project()]) as other:
        minted = world.argo.access.mint("pilothouse")
        assert (await other.http.get("/api/v1/applications", headers=bearer(minted))).status_code == 401
        assert (await other.http.get("/api/v1/applications", headers=bearer(TOKEN))).status_code == 200


async def test_delete(world: World) -> None:
    """A24, A2: gone for good, and its worker with it."""
    gone = await world.http.request("DELETE", ONE, headers=JSON)
    assert (gone.status_code, gone.json()) == (200, {})
    assert (await world.http.get(ONE)).status_code == 403
    sha = await world.promote("v1.4.2", "staging")
    await world.healthy_at(sha, "my-app-staging")
