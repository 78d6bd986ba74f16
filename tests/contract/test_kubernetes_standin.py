"""The sandbox's API server, asked by the official client over a real socket, by the wire facts of Kubernetes."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from kubernetes.aio import client, watch
from kubernetes.aio.client.exceptions import ApiException

from integrations.sandbox.clock import Clock
from integrations.sandbox.kubernetes import KubernetesServer
from integrations.sandbox.serving import serve
from tests.contract.specs import CONTRACTS

Json = dict[str, Any]

TOKEN = "canary-kubernetes-admin"
RUNS = ("tekton.dev", "v1", "ci", "pipelineruns")


class World:
    def __init__(self, server: KubernetesServer, url: str, api: client.ApiClient) -> None:
        self.server = server
        self.url = url
        self.custom: Any = client.CustomObjectsApi(api)
        self.core: Any = client.CoreV1Api(api)
        self.authorization: Any = client.AuthorizationV1Api(api)

    async def create(self, body: Json | None = None, **more: Any) -> Json:
        created: Json = await self.custom.create_namespaced_custom_object(*RUNS, body or run(), **more)
        return created

    async def raw(self, method: str, path: str, token: str = TOKEN, **more: Any) -> tuple[int, Any, Any]:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, **more) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text, answer.headers


def api_client(url: str, token: str) -> client.ApiClient:
    return client.ApiClient(client.Configuration(host=url), "Authorization", f"Bearer {token}")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    crds = CONTRACTS / "tekton-pipeline"
    server = KubernetesServer(Clock(50), TOKEN, crds=crds if crds.is_dir() else None)
    server.ensure_namespace("ci")
    async with serve(server.app) as url, api_client(url, TOKEN) as api:
        yield World(server, url, api)


def run(name: str = "run-1", **spec: Any) -> Json:
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "labels": {"app": "my-app"}},
        "spec": {"pipelineRef": {"name": "ci-pipeline"}, **spec},
    }


def status(error: pytest.ExceptionInfo[ApiException]) -> Json:
    found: Json = json.loads(error.value.body or "")
    return found


# Discovery, authentication, authorization.


async def test_discovery_names_groups_versions_and_resources(world: World) -> None:
    _, groups, _ = await world.raw("GET", "/apis")
    tekton = next(group for group in groups["groups"] if group["name"] == "tekton.dev")
    assert [version["version"] for version in tekton["versions"]] == ["v1", "v1beta1"]
    _, served, _ = await world.raw("GET", "/apis/tekton.dev/v1")
    assert {"pipelineruns", "pipelineruns/status", "taskruns"} <= {r["name"] for r in served["resources"]}
    _, core, _ = await world.raw("GET", "/api/v1")
    assert "pods/log" in {resource["name"] for resource in core["resources"]}
    assert (await world.raw("GET", "/version"))[1]["major"] == "1"


async def test_an_absent_type_is_told_apart_by_its_details(world: World) -> None:
    """K3."""
    code, absent_type, _ = await world.raw("GET", "/apis/absent.dev/v1/namespaces/ci/things/x")
    assert (code, absent_type["reason"], absent_type.get("details")) == (404, "NotFound", None)
    with pytest.raises(ApiException) as error:
        await world.custom.get_namespaced_custom_object(*RUNS, "absent")
    assert status(error)["details"] == {"name": "absent", "group": "tekton.dev", "kind": "pipelineruns"}


async def test_a_wrong_token_is_401_and_none_is_anonymous(world: World) -> None:
    path = "/apis/tekton.dev/v1/namespaces/ci/pipelineruns"
    assert (await world.raw("GET", path, token="wrong"))[1]["reason"] == "Unauthorized"
    code, found, _ = await world.raw("GET", path, token="")
    assert (code, found["reason"]) == (403, "Forbidden")
    assert 'User "system:anonymous" cannot list resource "pipelineruns"' in found["message"]
    assert (await world.raw("GET", "/readyz", token=""))[0] == 200


RBAC = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
  - {apiGroups: [tekton.dev], resources: [pipelineruns], verbs: [get, list, create]}
  - {apiGroups: [""], resources: [pods/log], verbs: [get], resourceNames: [one]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
  - {kind: ServiceAccount, name: bot, namespace: tools}
  - {kind: Group, name: engineers, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: impersonator}
rules:
  - {apiGroups: [""], resources: [users, groups], verbs: [impersonate], resourceNames: [ana, engineers]}
  - {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: impersonator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: impersonator}
subjects: [{kind: ServiceAccount, name: bot, namespace: tools}]
"""


async def test_a_service_account_may_what_its_role_grants(world: World) -> None:
    world.server.load(RBAC)
    token = world.server.service_account_token("tools", "bot")
    async with api_client(world.url, token) as api:
        custom: Any = client.CustomObjectsApi(api)
        assert (await custom.list_namespaced_custom_object(*RUNS))["items"] == []
        with pytest.raises(ApiException) as error:
            await custom.delete_namespaced_custom_object(*RUNS, "x")
        assert error.value.status == 403
        told = status(error)["message"]
        assert told.endswith('cannot delete resource "pipelineruns" in API group "tekton.dev" in the namespace "ci"')
        with pytest.raises(ApiException):
            await custom.list_namespaced_custom_object("tekton.dev", "v1", "default", "pipelineruns")


@pytest.mark.parametrize(
    ("user", "group", "verb", "expected"),
    [
        ("ana", "engineers", "list", 200),
        ("ana", "", "list", 403),
        ("ana", "engineers", "delete", 403),
        ("bo", "", "list", 403),
    ],
)
async def test_impersonation_acts_with_the_other_s_rights(
    world: World, user: str, group: str, verb: str, expected: int
) -> None:
    world.server.load(RBAC)
    headers = {"Impersonate-User": user, **({"Impersonate-Group": group} if group else {})}
    method, path = ("GET", "") if verb == "list" else ("DELETE", "/x")
    token = world.server.service_account_token("tools", "bot")
    code, found, _ = await world.raw(
        method, f"/apis/tekton.dev/v1/namespaces/ci/pipelineruns{path}", token=token, headers=headers
    )
    assert code == expected
    if user == "bo":
        assert "cannot impersonate" in found["message"]


async def test_subject_access_reviews_are_answered_from_the_roles(world: World) -> None:
    world.server.load(RBAC)

    async def allowed(verb: str, groups: list[str], resource: str = "pipelineruns", name: str = "") -> bool:
        attributes = client.V1ResourceAttributes(
            verb=verb, group="tekton.dev" if resource == "pipelineruns" else "", resource=resource.partition("/")[0],
            subresource=resource.partition("/")[2] or None, namespace="ci", name=name or None,
        )  # fmt: skip
        spec = client.V1SubjectAccessReviewSpec(user="ana", groups=groups, resource_attributes=attributes)
        review = client.V1SubjectAccessReview(spec=spec)
        return bool((await world.authorization.create_subject_access_review(review)).status.allowed)

    assert await allowed("create", ["engineers"])
    assert not await allowed("delete", ["engineers"])
    assert not await allowed("create", [])
    assert await allowed("get", ["engineers"], "pods/log", "one")
    assert not await allowed("get", ["engineers"], "pods/log", "two")
    own = client.V1ResourceAttributes(verb="delete", group="", resource="pods", namespace="ci")
    mine = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=own))
    assert (await world.authorization.create_self_subject_access_review(mine)).status.allowed


# Objects.


async def test_creation_stamps_and_drops_status(world: World) -> None:
    """K5, T1."""
    created = await world.create({**run(), "status": {"startTime": "2026-01-01T00:00:00Z"}})
    assert "status" not in created
    metadata = created["metadata"]
    assert (metadata["namespace"], metadata["generation"]) == ("ci", 1)
    assert metadata["uid"]
    assert metadata["resourceVersion"]


async def test_generated_names_differ(world: World) -> None:
    body = {**run(), "metadata": {"generateName": "run-"}}
    names = {(await world.create(body))["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


@pytest.mark.parametrize(
    ("body", "namespace", "code", "reason"),
    [
        (run("Bad_Name"), "ci", 422, "Invalid"),
        (run(), "absent", 404, "NotFound"),
        ({**run(), "kind": "Task"}, "ci", 400, "BadRequest"),
        ({**run(), "apiVersion": "tekton.dev/v1beta1"}, "ci", 400, "BadRequest"),
        ({**run(), "metadata": {}}, "ci", 422, "Invalid"),
    ],
)
async def test_what_cannot_be_created(world: World, body: Json, namespace: str, code: int, reason: str) -> None:
    """K3."""
    with pytest.raises(ApiException) as error:
        await world.custom.create_namespaced_custom_object("tekton.dev", "v1", namespace, "pipelineruns", body)
    assert (error.value.status, status(error)["reason"], status(error)["kind"]) == (code, reason, "Status")


async def test_two_kinds_of_409(world: World) -> None:
    """K3: AlreadyExists, and Conflict for a stale version."""
    created = await world.create()
    with pytest.raises(ApiException) as error:
        await world.create()
    assert (error.value.status, status(error)["reason"]) == (409, "AlreadyExists")
    created["metadata"]["labels"]["x"] = "1"
    await world.custom.replace_namespaced_custom_object(*RUNS, "run-1", created)
    with pytest.raises(ApiException) as error:
        await world.custom.replace_namespaced_custom_object(*RUNS, "run-1", created)
    assert (error.value.status, status(error)["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("media_type", "patch", "code"),
    [
        ("application/merge-patch+json", {"metadata": {"labels": {"app": None, "team": "a"}}}, 200),
        ("application/json-patch+json", [{"op": "add", "path": "/metadata/labels/team", "value": "a"}], 200),
        ("application/json-patch+json", [{"op": "test", "path": "/metadata/name", "value": "other"}], 422),
        ("application/strategic-merge-patch+json", {"metadata": {"labels": {"team": "a"}}}, 415),
        ("application/json", {}, 415),
        ("application/apply-patch+yaml", {"metadata": {"labels": {"team": "a"}}}, 400),
    ],
)
async def test_patch_types_of_custom_resources(world: World, media_type: str, patch: Any, code: int) -> None:
    """K4: apply needs a fieldManager."""
    await world.create()
    path = "/apis/tekton.dev/v1/namespaces/ci/pipelineruns/run-1"
    headers = {"Content-Type": media_type}
    answered, found, _ = await world.raw("PATCH", path, headers=headers, data=json.dumps(patch))
    assert answered == code
    if code == 200:
        assert found["metadata"]["labels"]["team"] == "a"


async def test_built_in_types_take_strategic_merge_patches(world: World) -> None:
    """K4."""
    await world.core.create_namespaced_config_map("ci", {"metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}})
    path, headers = "/api/v1/namespaces/ci/configmaps/c", {"Content-Type": "application/strategic-merge-patch+json"}
    code, found, _ = await world.raw("PATCH", path, headers=headers, data=json.dumps({"data": {"a": None}}))
    assert (code, found["data"]) == (200, {"b": "2"})


async def test_the_main_resource_and_its_status_are_written_apart(world: World) -> None:
    """K5."""
    created = await world.create()
    created["status"] = {"startTime": "2026-01-01T00:00:00Z"}
    assert "status" not in await world.custom.replace_namespaced_custom_object(*RUNS, "run-1", created)
    created["spec"] = {"pipelineRef": {"name": "other"}}
    created["metadata"]["resourceVersion"] = (await world.custom.get_namespaced_custom_object(*RUNS, "run-1"))[
        "metadata"
    ]["resourceVersion"]
    written = await world.custom.replace_namespaced_custom_object_status(*RUNS, "run-1", created)
    assert (written["status"]["startTime"], written["spec"]["pipelineRef"]["name"]) == (
        "2026-01-01T00:00:00Z",
        "ci-pipeline",
    )


async def test_unknown_fields_are_pruned_with_a_warning_or_refused(world: World) -> None:
    """K5."""
    path, body = "/api/v1/namespaces/ci/configmaps", {"metadata": {"name": "c"}, "colour": "red"}
    code, found, headers = await world.raw("POST", path, json=body)
    assert (code, "colour" in found) == (201, False)
    assert headers["Warning"] == '299 - "unknown field \\"colour\\""'
    code, found, _ = await world.raw("POST", f"{path}?fieldValidation=Strict", json=body)
    assert (code, found["message"]) == (400, 'strict decoding error: unknown field "colour"')
    body["metadata"] = {"name": "d"}
    assert "Warning" not in (await world.raw("POST", f"{path}?fieldValidation=Ignore", json=body))[2]


async def test_a_wrong_type_is_422_by_the_schema(world: World) -> None:
    """K3."""
    if not (CONTRACTS / "tekton-pipeline").is_dir():
        pytest.skip("the official CRDs are not beside the repository")
    with pytest.raises(ApiException) as error:
        await world.create(run(managedBy=5))
    assert error.value.status == 422
    assert status(error)["details"]["causes"][0]["field"] == "spec.managedBy"


async def test_deleting_takes_what_is_owned(world: World) -> None:
    owner = await world.create()
    reference = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": "run-1", "uid": owner["metadata"]["uid"]}
    owned = {"metadata": {"name": "c", "ownerReferences": [reference]}}
    await world.core.create_namespaced_config_map("ci", owned)
    gone = await world.custom.delete_namespaced_custom_object(*RUNS, "run-1")
    assert (gone["kind"], gone["status"], gone["details"]["uid"]) == ("Status", "Success", owner["metadata"]["uid"])
    with pytest.raises(ApiException) as error:
        await world.core.read_namespaced_config_map("c", "ci")
    assert error.value.status == 404


async def test_dry_run_stores_nothing(world: World) -> None:
    assert (await world.create(dry_run="All"))["metadata"]["name"] == "run-1"
    assert (await world.custom.list_namespaced_custom_object(*RUNS))["items"] == []


# Lists.


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=a", "a"),
        ("app!=a", "bc"),
        ("app in (a, b)", "ab"),
        ("app notin (a,b)", "c"),
        ("tier", "b"),
        ("!tier", "ac"),
    ],
)
async def test_label_selectors(world: World, selector: str, expected: str) -> None:
    for name in "abc":
        body = run(name)
        body["metadata"]["labels"] = {"app": name, **({"tier": "1"} if name == "b" else {})}
        await world.create(body)
    found = await world.custom.list_namespaced_custom_object(*RUNS, label_selector=selector)
    assert "".join(item["metadata"]["name"] for item in found["items"]) == expected


async def test_field_selectors(world: World) -> None:
    await world.create(run("a"))
    await world.create(run("b"))
    found = await world.custom.list_namespaced_custom_object(*RUNS, field_selector="metadata.name=b")
    assert [item["metadata"]["name"] for item in found["items"]] == ["b"]
    with pytest.raises(ApiException) as error:
        await world.custom.list_namespaced_custom_object(*RUNS, field_selector="spec.status=x")
    assert (error.value.status, "field label not supported" in str(error.value.body)) == (400, True)


async def test_pages_show_one_moment_and_their_token_expires(world: World) -> None:
    """K2."""
    for name in "abc":
        await world.create(run(name))
    first = await world.custom.list_namespaced_custom_object(*RUNS, limit=2)
    assert first["metadata"]["remainingItemCount"] == 1
    await world.custom.delete_namespaced_custom_object(*RUNS, "c")
    token = first["metadata"]["continue"]
    rest = await world.custom.list_namespaced_custom_object(*RUNS, limit=2, _continue=token)
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c"]
    await world.create(run("d"))
    world.server.compact()
    with pytest.raises(ApiException) as error:
        await world.custom.list_namespaced_custom_object(*RUNS, limit=2, _continue=token)
    assert (error.value.status, status(error)["reason"]) == (410, "Expired")


# Watches.


async def test_a_watch_tells_what_follows_the_list(world: World) -> None:
    """K1."""
    listed = await world.custom.list_namespaced_custom_object(*RUNS)
    seen = []
    watches: Any = watch.Watch
    async with watches() as watching:
        stream = watching.stream(
            world.custom.list_namespaced_custom_object, *RUNS,
            resource_version=listed["metadata"]["resourceVersion"], timeout_seconds=5,
        )  # fmt: skip
        await world.create()
        changed = await world.custom.get_namespaced_custom_object(*RUNS, "run-1")
        changed["metadata"]["labels"]["x"] = "1"
        await world.custom.replace_namespaced_custom_object(*RUNS, "run-1", changed)
        await world.custom.delete_namespaced_custom_object(*RUNS, "run-1")
        async for event in stream:
            seen.append(event["type"])
            if len(seen) == 3:
                break
    assert seen == ["ADDED", "MODIFIED", "DELETED"]


async def lines(world: World, count: int, **params: Any) -> list[Json]:
    """The first events of a watch, read raw."""
    path = f"{world.url}/apis/tekton.dev/v1/namespaces/ci/pipelineruns"
    headers, found = {"Authorization": f"Bearer {TOKEN}"}, []
    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession(headers=headers) as session,
        session.get(path, params={"watch": "1", **params}) as answer,
    ):
        assert answer.status == 200
        async for line in answer.content:
            found.append(json.loads(line))
            if len(found) == count:
                break
    return found


async def test_without_a_version_the_present_state_comes_first(world: World) -> None:
    """K1, K2."""
    await world.create()
    for params in ({}, {"resourceVersion": "0"}):
        assert [event["type"] for event in await lines(world, 1, **params)] == ["ADDED"]


async def test_bookmarks_keep_the_version_fresh(world: World) -> None:
    """K1."""
    world.server.watch_policy.bookmark_seconds = 0.02
    events = await lines(world, 1, allowWatchBookmarks="true")
    assert (events[0]["type"], events[0]["object"]["kind"]) == ("BOOKMARK", "PipelineRun")
    assert events[0]["object"]["metadata"]["resourceVersion"] == str(world.server.store.version)


async def test_compacted_history_is_410_as_an_event(world: World) -> None:
    """K1."""
    old = (await world.create())["metadata"]["resourceVersion"]
    await world.create(run("run-2"))
    world.server.compact()
    events = await lines(world, 1, resourceVersion=old)
    assert (events[0]["type"], events[0]["object"]["code"], events[0]["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_compacted_history_is_410_as_a_status(world: World) -> None:
    """K1."""
    old = (await world.create())["metadata"]["resourceVersion"]
    await world.create(run("run-2"))
    world.server.compact()
    world.server.watch_policy.gone_as = "status"
    path = f"/apis/tekton.dev/v1/namespaces/ci/pipelineruns?watch=1&resourceVersion={old}"
    code, found, _ = await world.raw("GET", path)
    assert (code, found["reason"]) == (410, "Expired")


async def test_a_running_watch_ends_cleanly_or_expires(world: World) -> None:
    """K1."""
    endings: list[tuple[Callable[[], None], list[int]]] = [
        (world.server.end_watches, []),
        (functools.partial(world.server.compact, running_watches=True), [410]),
    ]
    for act, expected in endings:
        reading = asyncio.create_task(lines(world, 99))
        async with asyncio.timeout(30):
            while not world.server.store.subscribers:  # noqa: ASYNC110 - the server's doing
                await asyncio.sleep(0.005)
        act()
        assert [event["object"]["code"] for event in await reading] == expected


async def test_a_label_change_moves_an_object_in_and_out_of_a_watch(world: World) -> None:
    created = await world.create()
    version = created["metadata"]["resourceVersion"]
    for value in ("wanted", "other"):
        patch = [{"op": "add", "path": "/metadata/labels/mark", "value": value}]
        await world.raw(
            "PATCH", "/apis/tekton.dev/v1/namespaces/ci/pipelineruns/run-1",
            headers={"Content-Type": "application/json-patch+json"}, data=json.dumps(patch),
        )  # fmt: skip
    events = await lines(world, 2, resourceVersion=version, labelSelector="mark=wanted")
    assert [event["type"] for event in events] == ["ADDED", "DELETED"]


async def test_v1beta1_is_served_by_conversion(world: World) -> None:
    """T16."""
    old = {
        "apiVersion": "tekton.dev/v1beta1",
        "kind": "PipelineRun",
        "metadata": {"name": "old"},
        "spec": {"pipelineRef": {"name": "p"}, "serviceAccountName": "builder", "timeout": "5m0s"},
    }
    await world.custom.create_namespaced_custom_object("tekton.dev", "v1beta1", "ci", "pipelineruns", old)
    stored = await world.custom.get_namespaced_custom_object(*RUNS, "old")
    assert stored["spec"]["taskRunTemplate"]["serviceAccountName"] == "builder"
    assert stored["spec"]["timeouts"]["pipeline"] == "5m0s"
    read = await world.custom.get_namespaced_custom_object("tekton.dev", "v1beta1", "ci", "pipelineruns", "old")
    assert (read["apiVersion"], read["spec"]["serviceAccountName"]) == ("tekton.dev/v1beta1", "builder")
