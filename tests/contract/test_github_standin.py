"""The sandbox's GitHub against the official descriptions: OpenAPI, the GraphQL excerpt, the webhook schema."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLInputObjectType, build_schema, parse, validate
from jsonschema import Draft7Validator

from integrations.sandbox.git.server import Push
from integrations.sandbox.github.graphql_schema import served_schema
from integrations.sandbox.github.webhooks import push_payload
from tests.contract.specs import contract, load, openapi_problems
from tests.unit.integrations.sandbox.github.world import FILE, REPO, World, app_jwt, running

SPEC = "github.openapi.json"
EXCERPT = "github.graphql.createCommitOnBranch.graphql"
R = "/repos/{owner}/{repo}"
MUTATION = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { clientMutationId commit { oid } ref { id name prefix } }
}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    contract(SPEC)
    async with running(tmp_path) as found:
        yield found


def obeys(answer: httpx.Response, path: str, status: int) -> Any:
    """The answer's JSON, after it was held against the description of its operation."""
    assert answer.status_code == status, answer.text
    value = answer.json() if answer.content else None
    assert openapi_problems(SPEC, answer.request.method, path, status, value) == [], path
    return value


async def test_reading(world: World) -> None:
    head = await world.git.head()
    await world.git.commit({"more.txt": b"1\n"}, "More", "Bo", "bo@example.com")
    blob = (await world.git.tree())[FILE]
    for url, path in {
        "": "",
        "/contents/README.md": "/contents/{path}",
        "/contents/apps": "/contents/{path}",
        "/git/ref/heads/main": "/git/ref/{ref}",
        "/git/matching-refs/heads/": "/git/matching-refs/{ref}",
        f"/git/commits/{head}": "/git/commits/{commit_sha}",
        f"/git/trees/{head}?recursive=1": "/git/trees/{tree_sha}",
        f"/git/blobs/{blob}": "/git/blobs/{file_sha}",
        "/branches": "/branches",
        "/branches/main": "/branches/{branch}",
        "/commits": "/commits",
        "/commits/main": "/commits/{ref}",
        f"/compare/{head}...main": "/compare/{basehead}",
        "/pulls": "/pulls",
        "/commits/main/status": "/commits/{ref}/status",
        "/commits/main/statuses": "/commits/{ref}/statuses",
        "/commits/main/check-runs": "/commits/{ref}/check-runs",
        f"/commits/{head}/pulls": "/commits/{commit_sha}/pulls",
        "/rules/branches/main": "/rules/branches/{branch}",
        "/collaborators/bo/permission": "/collaborators/{username}/permission",
    }.items():
        obeys(await world.http.get(REPO + url), R + path, 200)
    obeys(await world.http.get("/rate_limit"), "/rate_limit", 200)


async def test_git_data_written(world: World) -> None:
    head, http = await world.git.head(), world.http
    blob = obeys(await http.post(f"{REPO}/git/blobs", json={"content": "x"}), f"{R}/git/blobs", 201)
    entry = {"path": "a/b", "mode": "100644", "type": "blob", "sha": blob["sha"]}
    tree_body = {"base_tree": head, "tree": [entry]}
    tree = obeys(await http.post(f"{REPO}/git/trees", json=tree_body), f"{R}/git/trees", 201)
    commit_body = {"message": "m", "tree": tree["sha"], "parents": [head]}
    commit = obeys(await http.post(f"{REPO}/git/commits", json=commit_body), f"{R}/git/commits", 201)
    ref_body = {"ref": "refs/heads/x", "sha": head}
    obeys(await http.post(f"{REPO}/git/refs", json=ref_body), f"{R}/git/refs", 201)
    one = f"{REPO}/git/refs/heads/x"
    obeys(await http.patch(one, json={"sha": commit["sha"]}), f"{R}/git/refs/{{ref}}", 200)
    obeys(await http.delete(one), f"{R}/git/refs/{{ref}}", 204)
    obeys(await http.delete(one), f"{R}/git/refs/{{ref}}", 422)


async def test_contents_written(world: World) -> None:
    one, path = f"{REPO}/contents/new.txt", f"{R}/contents/{{path}}"
    body = {"message": "m", "content": base64.b64encode(b"1").decode()}
    made = obeys(await world.http.put(one, json=body), path, 201)
    sha = made["content"]["sha"]
    obeys(await world.http.put(one, json={**body, "sha": sha}), path, 200)
    obeys(await world.http.put(one, json={**body, "sha": "f" * 40}), path, 409)
    obeys(await world.http.request("DELETE", one, json={"message": "m", "sha": sha}), path, 200)


async def test_pulls(world: World) -> None:
    await world.branch("feature", {"new.txt": b"1\n"})
    pull = obeys(await world.pull("feature"), f"{R}/pulls", 201)
    obeys(await world.pull("feature"), f"{R}/pulls", 422)
    one, path = f"{REPO}/pulls/{pull['number']}", f"{R}/pulls/{{pull_number}}"
    for part in ("", "/files", "/commits", "/reviews"):
        obeys(await world.http.get(one + part), path + part, 200)
    obeys(await world.http.patch(one, json={"title": "Other"}), path, 200)
    obeys(await world.http.post(f"{one}/reviews", json={"event": "COMMENT", "body": "x"}), f"{path}/reviews", 200)
    obeys(await world.http.get(f"{one}/merge"), f"{path}/merge", 404)
    obeys(await world.http.put(f"{one}/merge", json={"sha": "f" * 40}), f"{path}/merge", 409)
    obeys(await world.http.put(f"{one}/merge", json={}), f"{path}/merge", 200)
    obeys(await world.http.put(f"{one}/merge", json={}), f"{path}/merge", 405)
    obeys(await world.http.get(f"{one}/merge"), f"{path}/merge", 204)
    obeys(await world.http.get(one), path, 200)
    obeys(await world.http.get(f"{REPO}/pulls?state=all"), f"{R}/pulls", 200)


async def test_checks(world: World) -> None:
    head = await world.git.head()
    bot = {"Authorization": f"Bearer {await world.installation_token()}"}
    obeys(await world.http.post(f"{REPO}/statuses/{head}", json={"state": "success"}), f"{R}/statuses/{{sha}}", 201)
    body = {"name": "ci", "head_sha": head}
    run = obeys(await world.http.post(f"{REPO}/check-runs", json=body, headers=bot), f"{R}/check-runs", 201)
    one, path = f"{REPO}/check-runs/{run['id']}", f"{R}/check-runs/{{check_run_id}}"
    obeys(await world.http.patch(one, json={"conclusion": "success"}), path, 200)
    obeys(await world.http.get(one), path, 200)
    for part in ("status", "statuses", "check-runs"):
        obeys(await world.http.get(f"{REPO}/commits/main/{part}"), f"{R}/commits/{{ref}}/{part}", 200)


async def test_app(world: World) -> None:
    """G15."""
    for url, path in {
        "/app": "/app",
        "/app/installations/5": "/app/installations/{installation_id}",
        f"{REPO}/installation": f"{R}/installation",
    }.items():
        obeys(await world.http.get(url, headers=app_jwt()), path, 200)
    # The description of the list says that its accounts are users AND enterprises at once: it cannot be obeyed.
    listed = (await world.http.get("/app/installations", headers=app_jwt())).json()
    one = "/app/installations/{installation_id}"
    assert [openapi_problems(SPEC, "GET", one, 200, item) for item in listed] == [[]]
    token, path = "/app/installations/5/access_tokens", "/app/installations/{installation_id}/access_tokens"
    obeys(await world.http.post(token, json={}, headers=app_jwt()), path, 201)
    obeys(await world.http.post(token, json={}), path, 401)


async def test_every_route_is_in_the_description(world: World) -> None:
    described = {
        ("/".join("*" if part.startswith("{") else part for part in path.split("/")), method.upper())
        for path, item in load(SPEC)["paths"].items()
        for method in item
    }
    own = {("/graphql", "POST"), ("/repos/*/*/contents", "GET")}  # the second: a folder with an empty path
    assert world.github.routes() - own <= described
    assert len(world.github.routes()) > 45


def test_the_mutation_is_served_as_the_excerpt_says() -> None:
    """G1: the same query is valid by both, and every input field is the same."""
    official, served = build_schema(contract(EXCERPT).read_text()), served_schema()
    assert validate(official, parse(MUTATION)) == []
    assert validate(served, parse(MUTATION)) == []
    inputs = {name: kind for name, kind in official.type_map.items() if isinstance(kind, GraphQLInputObjectType)}
    assert len(inputs) == 6
    for name, kind in inputs.items():
        ours = served.type_map[name]
        assert isinstance(ours, GraphQLInputObjectType)
        assert {field: str(one.type) for field, one in ours.fields.items()} == {
            field: str(one.type) for field, one in kind.fields.items()
        }


async def test_stale_data_looks_like_the_sample(world: World) -> None:
    """G2."""
    sample = json.loads(contract("samples/github.graphql.stale_data.json").read_text())
    branch = {"repositoryNameWithOwner": "pilothouse/deploy", "branchName": "main"}
    asked = {
        "branch": branch,
        "message": {"headline": "h"},
        "expectedHeadOid": "d8a7a1d03f212ac203112cf729d6c27d7030f42c",
    }
    answer = await world.http.post("/graphql", json={"query": MUTATION, "variables": {"input": asked}})
    assert answer.status_code == 200
    ours = answer.json()
    assert ours["data"] == sample["data"]
    [error], [expected] = ours["errors"], sample["errors"]
    assert set(error) == set(expected)
    assert {name: error[name] for name in ("type", "path", "message")} == {
        name: expected[name] for name in ("type", "path", "message")
    }


async def test_not_fast_forward_looks_like_the_sample(world: World) -> None:
    """G7."""
    sample = json.loads(contract("samples/github.git-refs.not-fast-forward.json").read_text())
    old = await world.git.head()
    await world.git.commit({"x": b"1"}, "x", "Bo", "bo@example.com")
    refused = await world.http.patch(f"{REPO}/git/refs/heads/main", json={"sha": old})
    assert (refused.status_code, refused.json()["message"]) == (422, sample["message"])


async def test_push_payloads(world: World) -> None:
    """G19."""
    schema = load("github.webhooks.schema.json")
    validator = Draft7Validator({"definitions": schema["definitions"], "$ref": "#/definitions/push$event"})
    before = await world.git.head()
    after = await world.git.commit({"x": b"1"}, "x", "Bo", "bo@example.com")
    sender = {"sender": world.github.hub.repository_shape()["owner"]}
    for push in (
        Push("refs/heads/main", before, after),
        Push("refs/heads/new", "0" * 40, after),
        Push("refs/heads/gone", after, "0" * 40),
    ):
        payload = await push_payload(world.github.hub, push) | sender
        assert [f"{e.json_path}: {e.message}"[:200] for e in validator.iter_errors(payload)] == []
