"""Every request that the GitHub client can send, and every answer to it, held against the official descriptions."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, graphql_sync, parse, validate
from jsonschema import Draft4Validator

from bot.domain.errors import HeadMoved
from bot.settings import GitHubSettings
from integrations.github import GitHub
from integrations.github.commits import MUTATION
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.git.repository import Draft
from integrations.sandbox.github import GitHubServer, GitHubServerSettings
from integrations.sandbox.serving import serve
from tests.contract.covered import Covered
from tests.contract.overlays import ANA, FILES, OTHER, PATH, change
from tests.contract.recorder import Exchange, Recorder, template_of
from tests.contract.specs import contract, openapi, openapi_problems
from tests.contract.test_github import APP, PRIVATE, QUICK, REPOSITORY

SPEC = "github.openapi.json"
EXCERPT = "github.graphql.createCommitOnBranch.graphql"

R = "/repos/{owner}/{repo}"
CALLS = {
    ("POST", "/app/installations/{installation_id}/access_tokens"),
    ("GET", R),
    ("GET", f"{R}/git/ref/{{ref}}"),
    ("GET", f"{R}/git/trees/{{tree_sha}}"),
    ("GET", f"{R}/git/blobs/{{file_sha}}"),
    ("GET", f"{R}/git/commits/{{commit_sha}}"),
    ("GET", f"{R}/contents/{{path}}"),
    ("GET", f"{R}/commits"),
    ("GET", f"{R}/commits/{{ref}}"),
    ("GET", f"{R}/compare/{{basehead}}"),
    ("GET", f"{R}/commits/{{ref}}/status"),
    ("GET", f"{R}/commits/{{ref}}/check-runs"),
    ("GET", f"{R}/rules/branches/{{branch}}"),
    ("GET", f"{R}/branches/{{branch}}"),
    ("POST", f"{R}/git/refs"),
    ("DELETE", f"{R}/git/refs/{{ref}}"),
    ("GET", f"{R}/pulls"),
    ("POST", f"{R}/pulls"),
    ("GET", f"{R}/pulls/{{pull_number}}"),
    ("GET", f"{R}/pulls/{{pull_number}}/commits"),
    ("PATCH", f"{R}/pulls/{{pull_number}}"),
    ("PUT", f"{R}/pulls/{{pull_number}}/merge"),
    ("POST", f"{R}/pulls/{{pull_number}}/reviews"),
}


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[tuple[GitHub, Recorder, GitServer, str]]:
    contract(SPEC)
    git = GitServer(tmp_path / "served", "unused")
    await git.create(FILES, "First commit", Signature("Someone Else", "someone@example.com"))
    recorder = Recorder(GitHubServer(git, REPOSITORY, GitHubServerSettings(app=APP)).app)
    async with serve(recorder) as url:
        settings = GitHubSettings(
            api_url=url, repository=REPOSITORY, app_id="7", installation_id="11", private_key=PRIVATE
        )
        async with GitHub(settings, policy=QUICK, between_writes=0, stale_seconds=0) as github:
            yield github, recorder, git, url


async def use_everything(github: GitHub, git: GitServer, url: str) -> None:
    first = await github.head()
    assert await github.default_branch() == "main"
    many = {f"apps/app-{number}/kustomization.yaml": b"# %d\n" % number for number in range(30)}
    head = await git.commit({**many, "logo.png": b"\x89PNG\0"}, "Many", "Someone Else", "someone@example.com")
    await github.read([PATH, "absent", "apps"], head)
    await github.paths(head)
    assert await github.read([*many, "logo.png"], head) == {**many, "logo.png": b"\x89PNG\0"}
    commit = await github.commit(change(), head)
    with pytest.raises(HeadMoved):
        await github.commit(change(), head)
    await github.history(PATH, 5)
    await github.find("Promotion-Id", "p-1", first)
    await github.checks(commit.sha)
    forwards = await github.compare(f"{url}/{REPOSITORY}.git", first, commit.sha)
    backwards = await github.compare(f"{url}/{REPOSITORY}.git", commit.sha, first)
    assert [(one.total, one.behind) for one in (forwards, backwards)] == [(2, 0), (0, 2)]
    one = await github.open(change(b"1\n", path=OTHER), "promote/one", commit.sha, "One", "Body")
    await github.open(change(b"1\n", path=OTHER), "promote/one", commit.sha, "One", "Body")
    await github.merge(one.number, one.head, "Merge one\n\nPromotion-Id: p-2", ANA)
    two = await github.open(change(b"2\n", path=OTHER), "promote/two", await github.head(), "Two", "Body")
    author = Signature("Someone Else", "someone@example.com")
    await git.repository.commit_on("promote/two", Draft({OTHER: b"3\n"}, "By hand", author, author))
    assert (await github.get(two.number)).commits == 2
    await github.close(two.number, "Rejected")
    # What happens only after an answer was lost:
    await github._commits.landed(change(), head)


async def test_every_request_and_answer_obeys_the_official_description(
    recorded: tuple[GitHub, Recorder, GitServer, str], covered: Covered
) -> None:
    """G6, G8, G11, G14."""
    github, recorder, git, url = recorded
    await use_everything(github, git, url)
    document = openapi(SPEC)
    seen = set()
    for exchange in recorder.exchanges:
        assert exchange.headers["user-agent"] == "pilothouse"
        assert not exchange.path.endswith("/")
        if exchange.path == "/graphql":
            continue
        template = template_of(exchange.path, list(document["paths"]))
        seen.add((exchange.method, template))
        assert request_problems(document, template, exchange) == [], exchange.path
        if exchange.status not in (304, 204) and exchange.headers["accept"] == "application/vnd.github+json":
            problems = openapi_problems(SPEC, exchange.method, template, exchange.status, exchange.answered)
            assert problems == [], f"{exchange.method} {exchange.path}"
    assert seen == CALLS
    covered("GitHub", f"{len(CALLS)} operations and a mutation, all held against the description")


async def test_the_mutation_obeys_the_schema(recorded: tuple[GitHub, Recorder, GitServer, str]) -> None:
    """G1."""
    github, recorder, _, _ = recorded
    head = await github.head()
    commit = await github.commit(change(), head)
    with pytest.raises(HeadMoved):
        await github.commit(change(), head)
    await github.open(change(b"1\n", path=OTHER), "promote/one", commit.sha, "One", "Body")
    schema = build_schema(contract(EXCERPT).read_text())
    assert validate(schema, parse(MUTATION)) == []
    inputs = [
        e.asked["variables"]["input"]
        for e in recorder.exchanges
        if e.path == "/graphql" and "mutation" in e.asked["query"]
    ]
    assert len(inputs) == 3
    for asked in inputs:
        assert graphql_sync(schema, MUTATION, variable_values={"input": asked}).errors is None
        assert not asked["branch"]["branchName"].startswith("refs/")
        assert not any(addition["path"].startswith("/") for addition in asked["fileChanges"]["additions"])


def request_problems(document: dict[str, Any], template: str, exchange: Exchange) -> list[str]:
    item = document["paths"][template]
    operation = item[exchange.method.lower()]
    parameters = [resolved(document, p) for p in (*item.get("parameters", []), *operation.get("parameters", []))]
    known = {p["name"] for p in parameters if p["in"] == "query"}
    problems = [f"unknown query parameter {name}" for name in exchange.query.keys() - known]
    if exchange.asked is None:
        return problems
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        return [*problems, "a body where none is described"]
    schema = resolved(document, body["schema"])
    problems += [f"unknown field {name}" for name in exchange.asked.keys() - schema.get("properties", {}).keys()]
    validator = Draft4Validator({"components": document["components"], "allOf": [schema]})
    return problems + [error.message for error in validator.iter_errors(exchange.asked)]


def resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in value and len(value["anyOf"]) == 2 and value["anyOf"][1] == {"type": "null"}:
        value = value["anyOf"][0]
    if "$ref" in value:
        for part in value["$ref"].removeprefix("#/").split("/"):
            document = document[part]
        return document
    return value
