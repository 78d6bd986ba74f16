"""Pull requests, statuses, check runs, webhooks."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.github import Rules, signature
from integrations.sandbox.serving import serve
from tests.unit.integrations.sandbox.github.world import FILE, REPO, World, running


async def known(world: World, number: int = 1) -> dict[str, Any]:
    """The pull request once its mergeability is known."""
    async with asyncio.timeout(30):
        while True:
            pull: dict[str, Any] = (await world.http.get(f"{REPO}/pulls/{number}")).json()
            if pull["mergeable"] is not None:
                return pull
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_from_opened_to_merged(world: World, method: str) -> None:
    """G11: mergeable is null at first."""
    head = await world.branch("feature", {FILE: b"new\n"})
    foreign = await world.git.commit({"other.txt": b"1"}, "Foreign", "Cy", "cy@example.com")
    opened = (await world.pull("feature")).json()
    assert (opened["mergeable"], opened["mergeable_state"], opened["head"]["sha"]) == (None, "unknown", head)
    assert (await known(world))["mergeable_state"] == "clean"
    merged = await world.http.put(f"{REPO}/pulls/1/merge", json={"sha": head, "merge_method": method})
    assert merged.json()["merged"] is True
    assert merged.json()["sha"] == await world.git.head()
    assert await world.git.read(FILE) == b"new\n"
    assert await world.git.read("other.txt") == b"1"
    [commit] = await world.git.log(1)
    assert commit["parents"] == ([foreign, head] if method == "merge" else [foreign])
    after = (await world.http.get(f"{REPO}/pulls/1")).json()
    assert (after["state"], after["merged"], after["merge_commit_sha"]) == ("closed", True, merged.json()["sha"])


async def test_a_moved_head_is_409(world: World) -> None:
    """G11."""
    await world.branch("feature", {FILE: b"new\n"})
    await world.pull("feature")
    refused = await world.http.put(f"{REPO}/pulls/1/merge", json={"sha": "f" * 40})
    message = "Head branch was modified. Review and try the merge again."
    assert (refused.status_code, refused.json()["message"]) == (409, message)


async def test_both_sides_changed_different_lines_or_the_same_one(world: World) -> None:
    """G11: a conflict is 405."""
    lines = [f"line {number}\n" for number in range(9)]

    def edited(number: int, text: str) -> bytes:
        return "".join([*lines[:number], f"{text}\n", *lines[number + 1 :]]).encode()

    await world.git.commit({"f": "".join(lines).encode()}, "Lines", "Cy", "cy@example.com")
    await world.branch("one", {"f": edited(0, "one")})
    await world.branch("two", {"f": edited(8, "two")})
    await world.branch("three", {"f": edited(8, "three")})
    for name in ("one", "two", "three"):
        await world.pull(name)
    for number, status in ((1, 200), (2, 200), (3, 405)):
        assert (await known(world, number))["mergeable"] is (status == 200)
        assert (await world.http.put(f"{REPO}/pulls/{number}/merge", json={})).status_code == status
    assert await world.git.read("f") == b"one\n" + "".join(lines[1:8]).encode() + b"two\n"


async def test_required_checks_and_approvals(tmp_path: Path) -> None:
    """G10, G11: a status or a check run makes a required check green; nobody approves their own."""
    async with running(tmp_path, rules=Rules(required_checks=("ci", "scan"), required_approvals=1)) as world:
        head = await world.branch("feature", {FILE: b"new\n"})
        bot = {"Authorization": f"Bearer {await world.installation_token()}"}
        await world.pull("feature")
        rules = (await world.http.get(f"{REPO}/rules/branches/main")).json()
        assert {one["type"] for one in rules} == {"required_status_checks", "pull_request"}
        steps: list[tuple[str, Any]] = []
        world.github.set_check(head, "ci")
        steps.append(("ci still runs", await known(world)))
        world.github.set_check(head, "ci", "success")
        world.github.set_status(head, "scan", "success")
        steps.append(("no approval", await known(world)))
        own = await world.http.post(f"{REPO}/pulls/1/reviews", json={"event": "APPROVE"})
        assert own.status_code == 422
        assert [(what, pull["mergeable_state"]) for what, pull in steps] == [
            ("ci still runs", "blocked"),
            ("no approval", "blocked"),
        ]
        assert (await world.http.put(f"{REPO}/pulls/1/merge", json={})).status_code == 405
        approved = await world.http.post(f"{REPO}/pulls/1/reviews", json={"event": "APPROVE"}, headers=bot)
        assert (approved.status_code, approved.json()["state"]) == (200, "APPROVED")
        assert (await world.http.put(f"{REPO}/pulls/1/merge", json={})).status_code == 200


async def test_a_pull_request_that_cannot_be(world: World) -> None:
    """G14: 422 names what is wrong."""
    nothing = await world.pull("main")
    assert nothing.json()["errors"][0]["message"] == "No commits between main and main"
    absent = await world.pull("absent")
    assert absent.json()["errors"] == [{"resource": "PullRequest", "field": "head", "code": "invalid"}]
    assert (await world.http.post(f"{REPO}/pulls", json={"title": "x"})).json()["errors"][0]["code"] == "missing_field"


async def test_listing_closing_and_reopening(world: World) -> None:
    await world.branch("feature", {FILE: b"new\n"})
    await world.pull("feature")
    for state, count in (("closed", 0), ("open", 1)):
        await world.http.patch(f"{REPO}/pulls/1", json={"state": state})
        params = {"head": "pilothouse:feature", "base": "main"}
        assert len((await world.http.get(f"{REPO}/pulls", params=params)).json()) == count


async def test_statuses_and_check_runs_are_two_systems(world: World) -> None:
    """G10: no statuses = pending; a re-run makes a new run."""
    head = await world.git.head()
    assert (await world.http.get(f"{REPO}/commits/main/status")).json()["state"] == "pending"
    world.github.set_check(head, "ci", "failure")
    world.github.set_check(head, "ci", None)
    combined = (await world.http.get(f"{REPO}/commits/main/status")).json()
    assert (combined["state"], combined["total_count"]) == ("pending", 0)
    latest = (await world.http.get(f"{REPO}/commits/main/check-runs")).json()
    assert [(one["status"], one["conclusion"]) for one in latest["check_runs"]] == [("in_progress", None)]
    every = (await world.http.get(f"{REPO}/commits/main/check-runs", params={"filter": "all"})).json()
    assert every["total_count"] == 2
    for state, expected in (("success", "success"), ("error", "failure")):
        body = {"state": state, "context": "scan"}
        assert (await world.http.post(f"{REPO}/statuses/{head}", json=body)).status_code == 201
        assert (await world.http.get(f"{REPO}/commits/main/status")).json()["state"] == expected
    refused = await world.http.post(f"{REPO}/check-runs", json={"name": "x", "head_sha": head})
    assert refused.status_code == 403


def test_the_signature_of_the_documentation() -> None:
    """G17."""
    vector = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature("It's a Secret to Everybody", b"Hello, World!") == vector


async def test_webhooks_are_signed_and_sent_once(tmp_path: Path) -> None:
    """G17-G19: a refused delivery is not repeated, but can be by hand, under the same GUID."""
    got: list[tuple[dict[str, str], bytes]] = []

    async def receive(request: Request) -> Response:
        got.append((dict(request.headers), await request.body()))
        return Response(status_code=500 if len(got) == 1 else 204)

    app = Starlette(routes=[Route("/hook", receive, methods=["POST"])])
    async with serve(app) as hook, running(tmp_path, webhook_url=f"{hook}/hook", webhook_secret="shh") as world:
        await world.github.webhooks.settled()
        got.clear()
        sha = await world.git.commit({FILE: b"2\n"}, "Two", "Bo", "bo@example.com")
        await world.github.webhooks.settled()
        [(headers, raw)] = got
        assert headers["x-hub-signature-256"] == signature("shh", raw)
        assert headers["x-github-event"] == "push"
        payload = json.loads(raw)
        assert (payload["after"], payload["ref"]) == (sha, "refs/heads/main")
        assert payload["commits"][0]["modified"] == [FILE]
        failed = world.github.webhooks.deliveries[-1]
        assert (failed.status, failed.guid) == (500, headers["x-github-delivery"])
        await world.github.webhooks.redeliver(failed.guid)
        assert got[1][1] == raw
        assert got[1][0]["x-github-delivery"] == failed.guid
        with pytest.raises(LookupError):
            await world.github.webhooks.redeliver("nope")


async def test_pull_requests_are_announced(tmp_path: Path) -> None:
    """G18."""
    kinds: list[tuple[str, str]] = []

    async def receive(request: Request) -> Response:
        kinds.append((request.headers["x-github-event"], (await request.json()).get("action", "")))
        return Response(status_code=204)

    app = Starlette(routes=[Route("/hook", receive, methods=["POST"])])
    async with serve(app) as hook, running(tmp_path, webhook_url=f"{hook}/hook") as world:
        await world.branch("feature", {FILE: b"new\n"})
        await world.pull("feature")
        await world.http.put(f"{REPO}/pulls/1/merge", json={})
        world.github.webhooks.ping()
        await world.github.webhooks.settled()
        assert {("pull_request", "opened"), ("pull_request", "closed"), ("ping", "")} <= set(kinds)
