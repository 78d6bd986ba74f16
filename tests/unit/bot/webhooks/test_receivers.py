"""Who may send, what is refused, what is noted: the same for every sender."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request

from bot.doctor.webhooks import checks
from bot.runtime.request_body import BODY_LIMIT, NotTaken, read
from bot.settings import Settings, WebhookSettings
from bot.webhooks import GitHubWebhook, HarborWebhook, assembly
from bot.webhooks.receiver import Receiver
from bot.webhooks.sender import same
from tests.unit.bot.webhooks.conftest import ALERTMANAGER, GITHUB, HARBOR, TEKTON, WebhookHarness, a_store, sample

SENDERS = tuple(sender.name for sender in assembly.SENDERS)
RUN = b'{"pipelineRun": {"metadata": {"name": "r", "namespace": "ci", "uid": "u"}}}'
FAILED = {"Ce-Type": "dev.tekton.event.pipelinerun.failed.v1", "Ce-Id": "e-1", "Ce-Source": "/apis/tekton.dev"}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


GOOD: dict[str, dict[str, str]] = {
    "harbor": {"Authorization": HARBOR},
    "alertmanager": {"Authorization": f"Bearer {ALERTMANAGER}"},
    "tekton": {"Authorization": basic("tekton", TEKTON)},
}


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(GITHUB.encode(), body, hashlib.sha256).hexdigest()}


def headers(sender: str, body: bytes) -> dict[str, str]:
    return signed(body) | {"X-GitHub-Event": "push"} if sender == "github" else GOOD[sender]


def test_the_published_vector_of_the_signature() -> None:
    """G17."""

    async def nothing(*_: object) -> None:
        return None

    webhook = GitHubWebhook("", "main", nothing, nothing)
    shown = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert webhook.authentic({"x-hub-signature-256": shown}, b"Hello, World!", "It's a Secret to Everybody")
    assert not webhook.authentic({"x-hub-signature-256": shown}, b"Hello, World?", "It's a Secret to Everybody")
    assert not webhook.authentic({"x-hub-signature-256": shown[7:]}, b"Hello, World!", "It's a Secret to Everybody")


@pytest.mark.parametrize(
    ("sender", "wrong"),
    [
        ("github", {}),
        ("github", {"X-Hub-Signature-256": "sha256=" + "0" * 64}),
        ("github", {"X-Hub-Signature": "sha1=whatever"}),
        ("github", {"Authorization": GITHUB}),
        ("harbor", {}),
        ("harbor", {"Authorization": "wrong"}),
        ("harbor", {"Authorization": f"Bearer {HARBOR}"}),
        ("alertmanager", {}),
        ("alertmanager", {"Authorization": ALERTMANAGER}),
        ("alertmanager", {"Authorization": "Bearer "}),
        ("tekton", {}),
        ("tekton", {"Authorization": basic("tekton", "wrong")}),
        ("tekton", {"Authorization": basic(TEKTON, "")}),
        ("tekton", {"Authorization": "Basic ???"}),
        ("tekton", {"Authorization": "Bearer wrong"}),
    ],
)
async def test_who_does_not_know_the_secret_is_refused(
    harness: WebhookHarness, sender: str, wrong: dict[str, str]
) -> None:
    """G17, H22, and the sink's address of deploy/README.md for Tekton."""
    answer = await harness.post(sender, RUN, {**FAILED, **wrong})
    assert answer.status_code == 401
    assert not await harness.work()


async def test_a_header_that_is_not_ascii_is_refused_and_breaks_nothing(harness: WebhookHarness) -> None:
    for sender in SENDERS:
        raw = [(b"X-Hub-Signature-256", b"sha256=\xfc"), (b"Authorization", b"Bearer \xfc")]
        answer = await harness.http.post(f"/webhooks/{sender}", content=b"{}", headers=raw)
        assert answer.status_code == 401
    assert not same("Ā", "x")


async def test_all_that_are_listened_to_are_asked_about_by_the_doctor(harness: WebhookHarness) -> None:
    heard = [route.path for route in harness.webhooks.routes if route.path.startswith("/webhooks/")]
    assert heard == [f"/webhooks/{sender}" for sender in SENDERS]
    checked = [check.subject for check in checks(Settings()) if check.system == "webhooks"]
    assert checked == [*SENDERS, "pipeline"]


async def test_a_receiver_without_its_secret_refuses_everything(tmp_path: Path) -> None:
    """Also what is signed with the empty secret."""

    async def nothing(*_: object) -> None:
        return None

    async with a_store(tmp_path) as store:
        route = Receiver(
            HarborWebhook(nothing, nothing), Settings().webhooks.credential("harbor_token"), store, int
        ).route()
        transport = httpx.ASGITransport(Starlette(routes=[route]))
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
            for shown in ({}, {"Authorization": ""}):
                answer = await http.post("/webhooks/harbor", content=b"{}", headers=shown)
                assert answer.status_code == 403
                assert "has no secret" in answer.json()["error"]


async def test_a_rotated_secret_holds_at_once(tmp_path: Path) -> None:
    async def nothing(*_: object) -> None:
        return None

    file = tmp_path / "harbor"
    file.write_text("first")
    credential = WebhookSettings(harbor_token_file=file).credential("harbor_token")
    async with a_store(tmp_path) as store:
        transport = httpx.ASGITransport(
            Starlette(routes=[Receiver(HarborWebhook(nothing, nothing), credential, store, int).route()])
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:

            async def status(secret: str) -> int:
                body = b'{"type": "PULL_ARTIFACT"}'
                return (
                    await http.post("/webhooks/harbor", content=body, headers={"Authorization": secret})
                ).status_code

            assert (await status("first"), await status("second")) == (202, 401)
            file.unlink()
            assert await status("first") == 503
            file.write_text("second, and longer")
            assert (await status("first"), await status("second, and longer")) == (401, 202)


@pytest.mark.parametrize("sender", SENDERS)
async def test_a_body_that_is_too_large_is_not_read(harness: WebhookHarness, sender: str) -> None:
    large = b" " * (BODY_LIMIT + 1)
    assert (await harness.post(sender, large, headers(sender, large))).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65_536

    answer = await harness.http.post(f"/webhooks/{sender}", content=endless(), headers=headers(sender, large))
    assert answer.status_code == 413


async def test_what_goes_on_beyond_the_limit_is_not_kept() -> None:
    read_so_far = 0

    async def receive() -> Mapping[str, object]:
        nonlocal read_so_far
        read_so_far += 65_536
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)  # type: ignore[arg-type]
    with pytest.raises(NotTaken):
        await read(request)
    assert read_so_far <= BODY_LIMIT + 65_536


@pytest.mark.parametrize(
    ("sender", "body", "more"),
    [
        ("github", b"", {"X-GitHub-Delivery": "1"}),
        ("github", b"[1]", {"X-GitHub-Delivery": "1"}),
        ("github", b'{"ref": 1}', {"X-GitHub-Delivery": "1"}),
        ("github", b"{}", {}),
        ("github", b"payload=%ff", {"X-GitHub-Delivery": "1", "Content-Type": "application/x-www-form-urlencoded"}),
        ("harbor", b"<html>", {}),
        ("harbor", b'{"event_data": {}}', {}),
        ("harbor", b'{"type": "SCANNING_COMPLETED", "event_data": {"resources": {}}}', {}),
        ("alertmanager", b"null", {}),
        ("alertmanager", b'{"alerts": [{"status": "firing"}]}', {}),
        ("alertmanager", b"[" * 100_000, {}),
        ("tekton", b"{}", FAILED),
        ("tekton", b'{"pipelineRun": null}', FAILED),
        ("tekton", RUN, {"Ce-Type": FAILED["Ce-Type"]}),
    ],
)
async def test_what_is_malformed_is_answered_with_a_sentence(
    harness: WebhookHarness, sender: str, body: bytes, more: dict[str, str]
) -> None:
    answer = await harness.post(sender, body, headers(sender, body) | more)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith("expected ")
    assert not await harness.work()


KEYS = st.sampled_from(
    ["ref", "after", "repository", "full_name", "type", "event_data", "data", "resources", "digest", "scan", "alerts",
     "labels", "annotations", "startsAt", "endsAt", "status", "pipelineRun", "metadata", "name", "namespace", "id"]
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sender=st.sampled_from(SENDERS), body=st.binary(max_size=200) | json_values.map(json.dumps).map(str.encode))
async def test_no_body_breaks_a_receiver(harness: WebhookHarness, sender: str, body: bytes) -> None:
    """Anything at all, from somebody who knows the secret: it is taken or refused, and nothing else."""
    more = {"X-GitHub-Delivery": hashlib.sha256(body).hexdigest(), **FAILED}
    answer = await harness.post(sender, body, headers(sender, body) | more)
    assert answer.status_code in (202, 400), answer.text
    await harness.work()


@pytest.mark.parametrize(
    "name",
    ["ping", "status", "check_run.completed", "check_suite.completed", "deployment_status", "installation.created",
     "pull_request.opened", "pull_request.closed", "push", "push.new-branch"],
)  # fmt: skip
async def test_every_sample_of_github_is_taken(harness: WebhookHarness, name: str) -> None:
    """G17, G18, G19: what is neither a push to the overlays nor to a default branch is acknowledged and forgotten."""
    answer = await harness.github(sample(f"github.webhook.{name}.json"), event=name.partition(".")[0])
    assert (answer.status_code, answer.json()["accepted"]) == (202, name == "push.new-branch")
    assert await harness.work() == int(name == "push.new-branch")


@pytest.mark.parametrize(
    ("name", "concerns"),
    [
        ("delete_artifact.default", False),
        ("pull_artifact.default", False),
        ("push_artifact.default", True),
        ("push_artifact.cloudevents", True),
        ("quota_exceed.default", False),
        ("quota_exceed.cloudevents", False),
        ("quota_warning.default", False),
        ("replication.default", False),
        ("tag_retention.default", False),
        ("scanning_completed.default", True),
        ("scanning_completed.cloudevents", True),
        ("scanning_failed.default", True),
        ("scanning_stopped.default", True),
    ],
)
async def test_every_sample_of_harbor_is_taken(harness: WebhookHarness, name: str, concerns: bool) -> None:
    """H19, H20, H21, H23: pushes and the end of scans concern us, in either format; a scan's tag is not asked for."""
    body = sample(f"harbor.webhook.{name}.json")
    answer = await harness.post("harbor", body, GOOD["harbor"])
    assert (answer.status_code, answer.json()["accepted"]) == (202, concerns)
    again = await harness.post("harbor", body, GOOD["harbor"])
    assert again.json()["accepted"] is False
    assert await harness.work() == int(concerns)
    document = json.loads(body)
    data = document.get("event_data") or document.get("data", {})
    told = [(data["resources"][0]["digest"], data["repository"]["repo_full_name"])] if concerns else []
    pushed = name.startswith("push")
    assert harness.scanned == ([] if pushed else told)
    assert [one[:2] for one in harness.stored] == (told if pushed else [])


async def test_the_end_of_an_sbom_is_no_end_of_a_scan(harness: WebhookHarness) -> None:
    """H23."""
    document = json.loads(sample("harbor.webhook.scanning_completed.default.json"))
    document["event_data"]["scan"] = {"scan_type": "sbom"}
    answer = await harness.post("harbor", json.dumps(document).encode(), GOOD["harbor"])
    assert answer.json()["accepted"] is False


async def test_a_cloud_event_that_is_sent_again_is_known_by_its_id(harness: WebhookHarness) -> None:
    """H21: equal on retries, also when the body is written differently."""
    document = json.loads(sample("harbor.webhook.scanning_completed.cloudevents.json"))
    for text in (json.dumps(document), json.dumps(document, indent=1)):
        await harness.post("harbor", text.encode(), GOOD["harbor"])
    assert await harness.work() == 1
    assert len(harness.scanned) == 1


async def test_the_sample_of_tekton_is_taken(harness: WebhookHarness) -> None:
    """T19: binary mode; an event of a TaskRun does not concern us."""
    more = json.loads(sample("tekton.cloudevent.taskrun.unknown.headers.json"))
    answer = await harness.post("tekton", sample("tekton.cloudevent.taskrun.unknown.json"), {**more, **GOOD["tekton"]})
    assert (answer.status_code, answer.json()["accepted"]) == (202, False)


async def test_other_methods_and_places_are_not_there(harness: WebhookHarness) -> None:
    assert (await harness.http.get("/webhooks/github")).status_code == 405
    assert (await harness.http.post("/webhooks/elsewhere")).status_code == 404


async def test_a_database_that_is_away_makes_the_sender_try_again(harness: WebhookHarness) -> None:
    """H22: what is not 2xx comes again."""
    async with harness.database.begin() as connection:
        await connection.execute(sa.text("DROP TABLE webhook_events"))
    answer = await harness.post("harbor", sample("harbor.webhook.scanning_failed.default.json"), GOOD["harbor"])
    assert answer.status_code == 503
