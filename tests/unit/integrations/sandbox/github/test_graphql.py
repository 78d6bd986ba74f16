"""createCommitOnBranch."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.sandbox.github import Rules
from tests.unit.integrations.sandbox.github.world import FILE, FILES, REPO, World, running

MUTATION = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url } ref { name } }
}
"""


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


async def commit(
    world: World, expected: str, changes: dict[str, Any], token: str = "bo-token", **branch: str
) -> httpx.Response:
    target = branch or {"repositoryNameWithOwner": "pilothouse/deploy", "branchName": "main"}
    message = {"headline": "Promote", "body": "Promotion-Id: p-1"}
    asked = {"branch": target, "message": message, "expectedHeadOid": expected, "fileChanges": changes}
    body = {"query": MUTATION, "variables": {"input": asked}}
    return await world.http.post("/graphql", json=body, headers={"Authorization": f"Bearer {token}"})


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    [error] = answer.json()["errors"]
    return str(error["type"])


async def test_one_commit_atomic_and_verified(world: World) -> None:
    """G1, G4: by the App's bot, committed and signed by GitHub."""
    token = await world.installation_token()
    changes = {"additions": [{"path": FILE, "contents": b64(b"a\r\n\xff")}], "deletions": [{"path": "README.md"}]}
    answer = await commit(world, await world.git.head(), changes, token)
    payload = answer.json()["data"]["createCommitOnBranch"]
    head = await world.git.head()
    assert payload["commit"]["oid"] == head
    assert payload["commit"]["url"].endswith(f"/pilothouse/deploy/commit/{head}")
    assert payload["ref"] == {"name": "main"}
    assert await world.git.read(FILE) == b"a\r\n\xff"
    assert await world.git.read("README.md") is None
    shown = (await world.http.get(f"{REPO}/commits/{head}")).json()
    assert shown["commit"]["verification"]["verified"] is True
    assert shown["author"]["login"] == "pilothouse[bot]"
    assert shown["commit"]["committer"]["name"] == "GitHub"
    assert shown["commit"]["message"] == "Promote\n\nPromotion-Id: p-1"


async def test_a_moved_head_is_http_200_with_stale_data(world: World) -> None:
    """G2."""
    old = await world.git.head()
    new = await world.git.commit({"x": b"1"}, "x", "Bo", "bo@example.com")
    answer = await commit(world, old, {"additions": [{"path": FILE, "contents": b64(b"1")}]})
    assert refusal(answer) == "STALE_DATA"
    assert answer.json()["data"] == {"createCommitOnBranch": None}
    assert await world.git.head() == new


async def test_of_two_at_once_one_wins(world: World) -> None:
    """G2."""
    head = await world.git.head()
    changes = [{"additions": [{"path": FILE, "contents": b64(name)}]} for name in (b"1", b"2")]
    answers = await asyncio.gather(*(commit(world, head, one) for one in changes))
    assert sorted("errors" in answer.json() for answer in answers) == [False, True]
    assert [refusal(one) for one in answers if "errors" in one.json()] == ["STALE_DATA"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"deletions": [{"path": "absent"}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": "a", "contents": "MQ=="}, {"path": "a", "contents": "MQ=="}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": "/a", "contents": "MQ=="}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": "a", "contents": "MQ"}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": "ok", "contents": "MQ=="}, {"path": "a", "contents": "M-Q=="}]}, "UNPROCESSABLE"),
    ],
)
async def test_all_or_nothing(world: World, changes: dict[str, Any], kind: str) -> None:
    """G1, G4."""
    head = await world.git.head()
    assert refusal(await commit(world, head, changes)) == kind
    assert await world.git.head() == head


async def test_who_and_where(world: World) -> None:
    """G3, G4: no access looks like no repository; the branch must exist."""
    head, changes = await world.git.head(), {"additions": [{"path": "a", "contents": "MQ=="}]}
    assert refusal(await commit(world, head, changes, "eve-token")) == "NOT_FOUND"
    assert refusal(await commit(world, head, changes, "cy-token")) == "FORBIDDEN"
    other = {"repositoryNameWithOwner": "pilothouse/deploy", "branchName": "absent"}
    assert refusal(await commit(world, head, changes, **other)) == "NOT_FOUND"
    assert (await commit(world, head, changes, "wrong")).status_code == 401


async def test_branch_protection_applies(tmp_path: Path) -> None:
    """G4."""
    async with running(tmp_path, rules=Rules(pull_request_only=True)) as world:
        head = await world.git.head()
        answer = await commit(world, head, {"additions": [{"path": "a", "contents": "MQ=="}]})
        assert refusal(answer) == "UNPROCESSABLE"
        assert await world.git.head() == head


async def test_by_node_id(world: World) -> None:
    """G1."""
    query = '{ repository(owner: "pilothouse", name: "deploy") { ref(qualifiedName: "main") { id target { oid } } } }'
    ref = (await world.http.post("/graphql", json={"query": query})).json()["data"]["repository"]["ref"]
    changes = {"additions": [{"path": "a", "contents": "MQ=="}]}
    assert "errors" not in (await commit(world, ref["target"]["oid"], changes, id=ref["id"])).json()


async def test_reading_a_file(world: World) -> None:
    query = 'query($e: String!) { viewer { login } repository(owner: "pilothouse", name: "deploy") { object(expression: $e) { ... on Blob { text byteSize } } } }'  # noqa: E501
    data = (await world.http.post("/graphql", json={"query": query, "variables": {"e": f"main:{FILE}"}})).json()["data"]
    assert data["viewer"]["login"] == "bo"
    assert data["repository"]["object"] == {"text": FILES[FILE].decode(), "byteSize": len(FILES[FILE])}
