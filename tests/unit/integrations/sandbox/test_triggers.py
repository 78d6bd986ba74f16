"""The EventListener on a socket, and the source repository whose pushes it hears."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.sandbox.github import signature
from integrations.sandbox.platform import TEKTON, manifests
from integrations.sandbox.serving import serve
from integrations.sandbox.source import Hook, SourceRepository
from integrations.sandbox.triggers import EventListener, runs_of

SECRET = "a webhook secret"
SHA = "a" * 40
PUSH = {
    "ref": "refs/heads/main",
    "after": SHA,
    "deleted": False,
    "repository": {
        "name": "My-App",
        "full_name": "example/My-App",
        "default_branch": "main",
        "clone_url": "https://github.com/example/My-App.git",
    },
}


class Cluster:
    """What an EventListener makes; `refusal` is what the API server says."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.refusal: Exception | None = None
        secrets = {("github-webhook", "secret"): SECRET.encode()}
        self.listener = EventListener(manifests(TEKTON), secrets, self.create)

    async def create(self, made: dict[str, Any]) -> None:
        if self.refusal:
            raise self.refusal
        self.made.append(made)

    async def post(self, body: bytes, **headers: str) -> httpx.Response:
        known = {"Content-Type": "application/json", "X-GitHub-Event": "push"}
        known["X-Hub-Signature-256"] = signature(SECRET, body)
        transport = httpx.ASGITransport(self.listener.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://el-github") as http:
            answer = await http.post("/github", content=body, headers={**known, **headers})
        await self.listener.settled()
        return answer


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


async def test_a_delivery_is_answered_before_it_is_evaluated_and_makes_a_labelled_run(cluster: Cluster) -> None:
    """R1, R2."""
    answer = await cluster.post(json.dumps(PUSH).encode())
    assert (answer.status_code, answer.headers["content-type"]) == (202, "text/plain; charset=utf-8")
    said = json.loads(answer.text)
    assert (said["eventListener"], said["namespace"]) == ("github", "ci")
    [run] = cluster.made
    labels = run["metadata"]["labels"]
    assert labels["triggers.tekton.dev/triggers-eventid"] == said["eventID"]
    assert labels["triggers.tekton.dev/trigger"] == "push-to-default-branch"
    assert labels["pilothouse.dev/app"] == "my-app"
    assert {p["name"]: p["value"] for p in run["spec"]["params"]}["revision"] == SHA


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, "signature"),
        ({"X-GitHub-Event": "ping"}, "event type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "form"),
    ],
)
async def test_what_is_stopped_is_answered_like_what_is_not(
    cluster: Cluster, headers: dict[str, str], why: str
) -> None:
    """R1, R3."""
    answer = await cluster.post(json.dumps(PUSH).encode(), **headers)
    assert (answer.status_code, cluster.made) == (202, [])
    assert why in cluster.listener.failed[0]


def test_a_binding_reads_a_header_by_the_name_that_go_gives_it() -> None:
    """R4: the map of headers is canonical, for bindings as for CEL."""
    trigger = {"interceptors": [], "bindings": [{"ref": "b"}], "template": {"ref": "t"}}
    read = [{"name": "event", "value": "$(header.X-Github-Event)"}]
    made = {"kind": "X", "event": "$(tt.params.event)"}
    objects = [
        {"kind": "EventListener", "metadata": {"name": "l"}, "spec": {"triggers": [trigger]}},
        {"kind": "TriggerBinding", "metadata": {"name": "b"}, "spec": {"params": read}},
        {"kind": "TriggerTemplate", "metadata": {"name": "t"},
         "spec": {"params": [{"name": "event"}], "resourcetemplates": [made]}},
    ]  # fmt: skip
    for sent in ("X-GitHub-Event", "x-github-event"):
        assert runs_of(b"{}", {sent: "push"}, objects, {}) == [{"kind": "X", "event": "push"}]


async def test_what_is_no_json_is_refused(cluster: Cluster) -> None:
    """R1."""
    answer = await cluster.post(b"<html>")
    assert (answer.status_code, json.loads(answer.text)["eventListenerUID"]) == (400, "")


async def test_the_sender_does_not_hear_that_the_cluster_refused(cluster: Cluster) -> None:
    """R1."""
    cluster.refusal = RuntimeError("403 Forbidden")
    assert (await cluster.post(json.dumps(PUSH).encode())).status_code == 202
    assert "403" in cluster.listener.failed[0]


async def test_a_push_to_the_source_repository_becomes_a_run_of_its_commit(cluster: Cluster, tmp_path: Path) -> None:
    """G17, G19: signed, and to each hook by itself; one that does not answer hides it from none."""
    source = SourceRepository(tmp_path, "my-app", "token")
    await source.create({"app.py": b"print(1)\n"})
    async with serve(cluster.listener.app) as url:
        source.tell([Hook("http://127.0.0.1:9/away", SECRET), Hook(f"{url}/github", SECRET)])
        sha = await source.push("Ana", "Say 2", {"app.py": "print(2)\n"})
        await source.settled()
    await cluster.listener.settled()
    [run] = cluster.made
    assert {p["name"]: p["value"] for p in run["spec"]["params"]} == {
        "repo-url": "https://github.com/example/my-app.git",
        "revision": sha,
        "image": "harbor.example.com/apps/my-app",
    }
    assert await source.git.read("app.py") == b"print(2)\n"


async def test_a_push_without_files_is_a_line_in_the_notes(tmp_path: Path) -> None:
    source = SourceRepository(tmp_path, "my-app", "token")
    await source.create({"app.py": b"print(1)\n"})
    await source.push("Bo", "First\n\nMore words")
    await source.push("Bo")
    assert await source.git.read("CHANGES.md") == b"- First\n- Make it faster\n"
    with pytest.raises(ValueError, match="no path"):
        await source.push("Bo", "x", {"../x": "y"})
