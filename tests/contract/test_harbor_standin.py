"""The sandbox's Harbor, held against Harbor's official description and its wire facts, over a real socket."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.harbor import HarborServer, Vulnerability, Webhook
from integrations.sandbox.serving import serve
from tests.contract.specs import load
from tests.contract.swagger import Description, Held
from tests.waiting import until

Json = dict[str, Any]

ROBOT, SECRET = "robot$pilothouse", "canary-harbor-robot"
REPORT = "application/vnd.security.vulnerability.report; version=1.1"
ACCEPT = {"X-Accept-Vulnerabilities": f"{REPORT}, application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"}
ARTIFACTS = "/projects/apps/repositories/my-app/artifacts"
SOURCE = "https://git.example.com/my-app"

# What the description says otherwise than the server does, by the fact that says so.
KNOWN = (
    "getVulnerabilitiesAddition: answer: $: {",  # H13: an object, described as a string
    "$.scan_overview['application/vnd.security.vulnerability.report; version=1.1'].summary: None is not",  # H12
    ".extra_attrs.",  # free-form values, described as objects
    "scanArtifact: answered 409",  # H14
    "scanArtifact: answered 412",  # H14
    "answered 405",  # H7, of paths with other methods
)


class World:
    def __init__(
        self, server: HarborServer, clock: Clock, held: Held, client: httpx.AsyncClient, faults: FaultSettings
    ) -> None:
        self.server = server
        self.clock = clock
        self.held = held
        self.client = client
        self.faults = faults

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(f"/api/v2.0{path}", **more)

    async def post(self, path: str, **more: Any) -> httpx.Response:
        self.client.cookies.clear()
        return await self.client.post(f"/api/v2.0{path}", **more)

    async def scanned(self, path: str) -> Json:
        async with asyncio.timeout(30):
            while True:
                found = (await self.get(path, params={"with_scan_overview": True}, headers=ACCEPT)).json()
                overview: Json = found.get("scan_overview", {}).get(REPORT, {})
                if overview.get("scan_status") not in (None, "Pending", "Running"):
                    return overview
                await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(version: str = "v2.15.2", webhooks: tuple[Webhook, ...] = ()) -> AsyncIterator[World]:
    load("harbor.swagger.yaml")
    faults, clock = FaultSettings(), Clock(50)
    server = HarborServer(
        clock, {ROBOT: SECRET}, faults, webhooks=webhooks, admin_password="canary-admin", version=version
    )
    server.add_project("apps", auto_scan="false")
    held = Held(server.app, Description("harbor.swagger.yaml"))
    async with serve(held) as url, httpx.AsyncClient(base_url=url, auth=(ROBOT, SECRET)) as client:
        yield World(server, clock, held, client, faults)
    await server.close()
    assert [p for p in held.problems() if not p.startswith("no operation") and not any(k in p for k in KNOWN)] == []


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as found:
        yield found


def push(world: World, tag: str = "v1.4.2", repository: str = "apps/my-app", **more: Any) -> str:
    return world.server.push(repository, [tag], f"commit-of-{tag}", SOURCE, **more)


async def test_every_read_operation_obeys_the_description(world: World) -> None:
    digest = push(world, scan="done")
    world.server.add_label("approved")
    for path in (
        "/ping", "/health", "/systeminfo", "/projects", "/projects/apps", "/projects/apps/metadatas/",
        "/projects/apps/metadatas/severity", "/projects/apps/scanner", "/projects/apps/repositories",
        "/projects/apps/repositories/my-app", "/repositories", "/labels", "/system/CVEAllowlist",
        f"{ARTIFACTS}/{digest}", f"{ARTIFACTS}/v1.4.2/tags", f"{ARTIFACTS}/v1.4.2/accessories",
        f"{ARTIFACTS}?with_label=true&with_accessory=true&with_scan_overview=true",
    ):  # fmt: skip
        headers = ACCEPT if path.startswith(ARTIFACTS) and path[-4:] not in ("tags", "ries") else {}
        assert (await world.get(path, headers=headers)).status_code == 200, path
    assert len(world.held.operations()) == 17


async def test_a_name_with_a_slash_is_encoded_twice(world: World) -> None:
    """H1."""
    push(world, repository="apps/team/my-app")
    base = "/projects/apps/repositories"
    assert (await world.get(f"{base}/team%252Fmy-app/artifacts/v1.4.2")).status_code == 200
    assert (await world.get(f"{base}/team%2Fmy-app/artifacts/v1.4.2")).status_code == 404


async def test_a_numeric_project_is_an_id_unless_said_to_be_a_name(world: World) -> None:
    """H2."""
    world.server.add_project("1")
    assert (await world.get("/projects/1")).json()["name"] == "library"
    assert (await world.get("/projects/1", headers={"X-Is-Resource-Name": "true"})).json()["name"] == "1"


async def test_a_robot_is_made_once_and_told_its_secret_once(world: World) -> None:
    """H3."""
    body = {
        "name": "ci", "level": "project", "duration": 30,
        "permissions": [
            {"kind": "project", "namespace": "apps", "access": [{"resource": "project", "action": "read"}]}
        ],
    }  # fmt: skip
    admin = ("admin", "canary-admin")
    made = (await world.post("/robots", json=body, auth=admin)).json()
    assert made["name"] == "robot$apps+ci"
    listed = (await world.get("/robots", auth=admin)).json()
    assert "secret" not in listed[-1]
    assert (await world.get("/projects/apps", auth=(made["name"], made["secret"]))).status_code == 200
    world.server.add_project("other")
    assert (await world.get("/projects/other", auth=(made["name"], made["secret"]))).status_code == 403


@pytest.mark.parametrize("credentials", [(ROBOT, "wrong"), ("robot$nobody", "x"), None])
async def test_bad_credentials_turn_anonymous(world: World, credentials: tuple[str, str] | None) -> None:
    """H4."""
    async with httpx.AsyncClient(base_url=world.client.base_url, auth=credentials) as client:
        assert (await client.get("/api/v2.0/projects/library")).status_code == 200
        private = await client.get("/api/v2.0/projects/apps")
    assert private.status_code == 401
    assert private.json()["errors"][0]["code"] == "UNAUTHORIZED"


async def test_a_disabled_robot_turns_anonymous(world: World) -> None:
    """H4."""
    world.server.accounts.robots[ROBOT].disabled = True
    assert (await world.get("/projects/apps")).status_code == 401


async def test_an_absent_project_is_403_and_404_only_for_the_administrator(world: World) -> None:
    """H5."""
    assert (await world.get("/projects/absent")).status_code == 403
    assert (await world.get("/projects/absent", auth=("admin", "canary-admin"))).status_code == 404


async def test_the_cookie_that_a_client_keeps_breaks_its_next_post(world: World) -> None:
    """H6."""
    push(world)
    await world.get("/projects/apps")
    assert world.client.cookies.get("sid")
    refused = await world.client.post(f"/api/v2.0{ARTIFACTS}/v1.4.2/scan")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "FORBIDDEN")
    assert (await world.post(f"{ARTIFACTS}/v1.4.2/scan")).status_code == 202


async def test_errors_have_a_code_and_the_request_id_is_echoed(world: World) -> None:
    """H7."""
    push(world)
    answer = await world.get(f"{ARTIFACTS}/absent", headers={"X-Request-Id": "mine"})
    assert answer.json() == {"errors": [{"code": "NOT_FOUND", "message": "artifact apps/my-app:absent not found"}]}
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Request-Id"] == "mine"


async def test_pages_have_a_total_and_relative_links(world: World) -> None:
    """H8."""
    for number in range(12):
        push(world, f"v{number}")
    first = await world.get(ARTIFACTS)
    assert (len(first.json()), first.headers["X-Total-Count"]) == (10, "12")
    middle = await world.get(ARTIFACTS, params={"page": 2, "page_size": 4, "q": "tags=~v"})
    assert middle.headers["Link"] == (
        f'</api/v2.0{ARTIFACTS}?q=tags=~v&page=1&page_size=4>; rel="prev" , '
        f'</api/v2.0{ARTIFACTS}?q=tags=~v&page=3&page_size=4>; rel="next"'
    )


async def test_a_page_above_a_hundred_is_refused(world: World) -> None:
    """H8. Past the description on purpose, so not held against it."""
    push(world)
    refused = await world.get(ARTIFACTS, params={"page_size": 101})
    world.held.exchanges.clear()
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "UNPROCESSABLE_ENTITY")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tags=v1", {"v1"}),
        ("tags=~1", {"v1", "v10"}),
        ("tags={v1 v2}", {"v1", "v2"}),
        ("tags=(v1 stable)", {"v1"}),
        ("tags=*", {"v1", "v2", "v10"}),
        ("tags=nil", {""}),
        ("tags=~v,tags=~2", {"v2"}),
    ],
)
async def test_q_selects(world: World, query: str, expected: set[str]) -> None:
    """H9."""
    world.server.push("apps/my-app", ["v1", "stable"], "1", SOURCE)
    push(world, "v2")
    push(world, "v10")
    world.server.push("apps/my-app", [], "untagged", SOURCE)
    found = (await world.get(ARTIFACTS, params={"q": query})).json()
    assert {(artifact["tags"] or [{"name": ""}])[0]["name"] for artifact in found} == expected


@pytest.mark.parametrize(("sort", "expected"), [("push_time", "123"), ("-push_time", "321"), ("-id", "312")])
async def test_sort_names_fields_and_direction(world: World, sort: str, expected: str) -> None:
    """H9."""
    for tag in ("2", "1", "3"):
        push(world, tag, pushed_at=datetime(2026, 1, int(tag), tzinfo=UTC))
    found = (await world.get(ARTIFACTS, params={"sort": sort})).json()
    assert "".join(artifact["tags"][0]["name"] for artifact in found) == expected


async def test_switches_add_what_is_asked(world: World) -> None:
    """H10."""
    digest = push(world, scan="done")
    world.server.sign("apps/my-app", digest, ec.generate_private_key(ec.SECP256R1()))
    plain = (await world.get(f"{ARTIFACTS}/{digest}", headers=ACCEPT, params={"with_signature": True})).json()
    assert (plain["tags"][0]["name"], plain["accessories"], "scan_overview" in plain) == ("v1.4.2", None, False)
    full = (await world.get(f"{ARTIFACTS}/{digest}", params={"with_tag": False, "with_accessory": True})).json()
    assert (full["tags"], full["accessories"][0]["type"]) == (None, "signature.cosign")


async def test_the_overview_needs_the_switch_and_the_header_and_a_scan(world: World) -> None:
    """H11."""
    push(world, scan="done")
    push(world, "unscanned", scan="never")
    asked = {"with_scan_overview": True}
    assert "scan_overview" not in (await world.get(f"{ARTIFACTS}/v1.4.2", params=asked)).json()
    assert "scan_overview" not in (await world.get(f"{ARTIFACTS}/v1.4.2", headers=ACCEPT)).json()
    assert "scan_overview" not in (await world.get(f"{ARTIFACTS}/unscanned", params=asked, headers=ACCEPT)).json()
    assert list((await world.get(f"{ARTIFACTS}/v1.4.2", params=asked, headers=ACCEPT)).json()["scan_overview"]) == [
        REPORT
    ]


async def test_overview_values(world: World) -> None:
    """H12: severities with 0 are left out; nothing counts unless the scan succeeded."""
    digest = push(world)
    high = Vulnerability("CVE-2026-1", "openssl", "3.0.1", "3.0.2", "High")
    low = Vulnerability("CVE-2026-2", "apt", "2.6", "", "Low")
    world.server.set_report("apps/my-app", digest, [high, low, low])
    done = await world.scanned(f"{ARTIFACTS}/{digest}")
    assert (done["severity"], done["summary"]) == ("High", {"total": 3, "fixable": 1, "summary": {"High": 1, "Low": 2}})
    world.server.fail_scan("apps/my-app", digest)
    failed = await world.scanned(f"{ARTIFACTS}/{digest}")
    assert (failed["scan_status"], failed["severity"], failed["summary"]) == ("Error", "", None)


async def test_the_vulnerability_list(world: World) -> None:
    """H13."""
    digest = push(world, scan="never")
    path = f"{ARTIFACTS}/{digest}/additions/vulnerabilities"
    assert (await world.get(path, headers=ACCEPT)).json() == {}
    world.server.set_report("apps/my-app", digest, [Vulnerability("CVE-2026-1", "a", "1", "2", "High", "text")])
    report = (await world.get(path, headers=ACCEPT)).json()[REPORT]
    assert report["vulnerabilities"][0]["fix_version"] == "2"
    assert report["severity"] == "High"


async def test_starting_a_scan_deletes_the_old_report(world: World) -> None:
    """H14."""
    push(world, scan="done")
    world.clock.speed = 1
    started = await world.post(f"{ARTIFACTS}/v1.4.2/scan", json={"scan_type": "vulnerability"})
    assert (started.status_code, started.content) == (202, b"")
    found = (await world.get(f"{ARTIFACTS}/v1.4.2", params={"with_scan_overview": True}, headers=ACCEPT)).json()
    assert found["scan_overview"][REPORT]["scan_status"] in ("Pending", "Running")
    again = await world.post(f"{ARTIFACTS}/v1.4.2/scan")
    assert again.status_code == 409
    assert "a previous scan process is" in again.json()["errors"][0]["message"]


async def test_a_scan_without_scanner_or_of_a_signature_is_refused(world: World) -> None:
    """H14."""
    digest = push(world)
    signature = world.server.sign("apps/my-app", digest, ec.generate_private_key(ec.SECP256R1()))
    assert (await world.post(f"{ARTIFACTS}/{signature}/scan")).status_code == 400
    world.server.inventory.projects["apps"].scanner_enabled = False
    assert (await world.post(f"{ARTIFACTS}/{digest}/scan")).status_code == 412


async def test_a_running_scan_is_stopped(world: World) -> None:
    """H12, H14."""
    push(world)
    world.clock.speed = 1
    await world.post(f"{ARTIFACTS}/v1.4.2/scan")
    stopped = await world.post(f"{ARTIFACTS}/v1.4.2/scan/stop", json={"scan_type": "vulnerability"})
    assert stopped.status_code == 202
    assert (await world.scanned(f"{ARTIFACTS}/v1.4.2"))["scan_status"] == "Stopped"


async def test_a_fault_makes_the_next_scan_find_a_fixable_critical(world: World) -> None:
    push(world)
    world.faults.set({"critical_cve": True})
    await world.post(f"{ARTIFACTS}/v1.4.2/scan")
    overview = await world.scanned(f"{ARTIFACTS}/v1.4.2")
    assert (overview["severity"], overview["summary"]["summary"]["Critical"]) == ("Critical", 1)


async def test_both_signature_styles_are_accessories(world: World) -> None:
    """H15."""
    digest, key = push(world), ec.generate_private_key(ec.SECP256R1())
    world.server.sign("apps/my-app", digest, key, "tag")
    world.server.sign("apps/my-app", digest, key, "bundle")
    found = (await world.get(f"{ARTIFACTS}/{digest}/accessories")).json()
    assert [(a["type"], a["subject_artifact_digest"]) for a in found] == [("signature.cosign", digest)] * 2
    assert len((await world.get(ARTIFACTS)).json()) == 1


async def test_project_metadata_are_strings_set_one_at_a_time(world: World) -> None:
    """H16."""
    assert (await world.get("/projects/apps")).json()["metadata"]["prevent_vul"] == "false"
    world.client.cookies.clear()
    path = "/api/v2.0/projects/apps/metadatas/prevent_vul"
    assert (await world.client.put(path, json={"prevent_vul": "true"})).status_code == 200
    world.client.cookies.clear()
    assert (await world.client.put(path, json={"prevent_vul": "true", "severity": "low"})).status_code == 400


async def test_the_pull_policy_answers_412(world: World) -> None:
    """H17, H18: unscanned images too; allowlisted findings do not count."""
    digest = push(world, scan="never")
    project = world.server.inventory.projects["apps"]
    project.metadata |= {"prevent_vul": "true", "severity": "high"}
    path = f"/v2/apps/my-app/manifests/{digest}"
    blocked = await world.client.get(path)
    assert (blocked.status_code, blocked.json()["errors"][0]["code"]) == (412, "PROJECTPOLICYVIOLATION")
    world.server.set_report("apps/my-app", digest, [Vulnerability("CVE-2026-1", "a", "1", "", "High")])
    assert (await world.client.get(path)).status_code == 412
    project.allowlist = ("CVE-2026-1",)
    assert (await world.client.get(path)).status_code == 200
    project.allowlist_expires = 1
    assert (await world.client.get(path)).status_code == 412


async def test_content_trust_wants_a_signature(world: World) -> None:
    """H17."""
    digest = push(world)
    world.server.inventory.projects["apps"].metadata["enable_content_trust_cosign"] = "true"
    blocked = await world.client.get(f"/v2/apps/my-app/manifests/{digest}")
    assert blocked.json()["errors"][0]["message"] == "The image is not signed by cosign."
    world.server.sign("apps/my-app", digest, ec.generate_private_key(ec.SECP256R1()))
    assert (await world.client.get(f"/v2/apps/my-app/manifests/{digest}")).status_code == 200


async def test_tags_and_labels_change(world: World) -> None:
    digest, label = push(world), world.server.add_label("approved")
    assert (await world.post(f"{ARTIFACTS}/{digest}/tags", json={"name": "stable"})).status_code == 201
    assert (await world.post(f"{ARTIFACTS}/{digest}/tags", json={"name": "stable"})).status_code == 409
    assert (await world.post(f"{ARTIFACTS}/stable/labels", json={"id": label.id})).status_code == 200
    found = (await world.get(f"{ARTIFACTS}/stable", params={"with_label": True})).json()
    assert (found["labels"][0]["name"], len(found["tags"])) == ("approved", 2)


# The registry API.


async def test_the_registry_challenges_whoever_brings_no_authorization(world: World) -> None:
    """H24: also for a public project; a token from the realm then opens it."""
    world.server.push("library/tool", ["v1"], "1", SOURCE)
    async with httpx.AsyncClient(base_url=world.client.base_url) as client:
        refused = await client.get("/v2/library/tool/manifests/v1")
        challenge = refused.headers["WWW-Authenticate"]
        assert refused.status_code == 401
        assert challenge.startswith('Bearer realm="http://127.0.0.1')
        assert 'scope="repository:library/tool:pull"' in challenge
        realm = challenge.partition('realm="')[2].partition('"')[0]
        token = (await client.get(realm, params={"service": "harbor-registry"})).json()["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/v2/library/tool/manifests/v1", headers=bearer)).status_code == 200
        assert (await client.get("/v2/apps/my-app/manifests/v1", headers=bearer)).status_code == 401


async def test_content_is_what_its_digest_says(world: World) -> None:
    digest = push(world, version="v1.4.2")
    answer = await world.client.get("/v2/apps/my-app/manifests/v1.4.2")
    assert "sha256:" + hashlib.sha256(answer.content).hexdigest() == digest == answer.headers["Docker-Content-Digest"]
    manifest = answer.json()
    for descriptor in (manifest["config"], *manifest["layers"]):
        blob = (await world.client.get(f"/v2/apps/my-app/blobs/{descriptor['digest']}")).content
        assert "sha256:" + hashlib.sha256(blob).hexdigest() == descriptor["digest"]
        assert len(blob) == descriptor["size"]
    config = (await world.client.get(f"/v2/apps/my-app/blobs/{manifest['config']['digest']}")).json()
    labels = config["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == "commit-of-v1.4.2"
    assert labels["org.opencontainers.image.source"] == SOURCE


async def test_the_legacy_signature_verifies(world: World) -> None:
    """C1, C2, C3: over the layer's exact bytes; a second signing adds a layer."""
    digest, keys = push(world), [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    for key in keys:
        world.server.sign("apps/my-app", digest, key, "tag")
    manifest = (await world.client.get(f"/v2/apps/my-app/manifests/{digest.replace(':', '-')}.sig")).json()
    assert len(manifest["layers"]) == 2
    for key, layer in zip(keys, manifest["layers"], strict=True):
        payload = (await world.client.get(f"/v2/apps/my-app/blobs/{layer['digest']}")).content
        signature = base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])
        key.public_key().verify(signature, payload, ec.ECDSA(SHA256()))
        assert json.loads(payload)["critical"]["image"]["docker-manifest-digest"] == digest


async def test_the_bundle_referrer_verifies(world: World) -> None:
    """C4, C5."""
    digest, key = push(world), ec.generate_private_key(ec.SECP256R1())
    world.server.sign("apps/my-app", digest, key, "bundle")
    media_type = "application/vnd.dev.sigstore.bundle.v0.3+json"
    index = await world.client.get(f"/v2/apps/my-app/referrers/{digest}", params={"artifactType": media_type})
    assert (index.headers["OCI-Filters-Applied"], index.headers["X-Total-Count"]) == ("artifactType", "1")
    descriptor = index.json()["manifests"][0]
    manifest = (await world.client.get(f"/v2/apps/my-app/manifests/{descriptor['digest']}")).json()
    assert manifest["subject"]["digest"] == digest
    bundle = (await world.client.get(f"/v2/apps/my-app/blobs/{manifest['layers'][0]['digest']}")).json()
    envelope = bundle["dsseEnvelope"]
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    signed = b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))
    key.public_key().verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed, ec.ECDSA(SHA256()))
    statement = json.loads(payload)
    assert statement["predicateType"] == "https://sigstore.dev/cosign/sign/v1"
    assert statement["subject"][0]["digest"] == {"sha256": digest.removeprefix("sha256:")}


async def test_referrers_of_an_absent_subject_are_an_empty_index(world: World) -> None:
    """C5."""
    push(world)
    answer = await world.client.get(f"/v2/apps/my-app/referrers/sha256:{'0' * 64}")
    assert (answer.status_code, answer.json()["manifests"]) == (200, [])


# Webhooks.


@asynccontextmanager
async def receiver(status: Callable[[int], int]) -> AsyncIterator[tuple[str, list[tuple[dict[str, str], Json]]]]:
    seen: list[tuple[dict[str, str], Json]] = []

    async def take(request: Request) -> Response:
        seen.append((dict(request.headers), await request.json()))
        return Response(status_code=status(len(seen)))

    async with serve(Starlette(routes=[Route("/", take, methods=["POST"])])) as url:
        yield url, seen


async def test_default_webhooks_are_shaped_like_the_samples() -> None:
    """H19, H20, H22, H23."""
    async with receiver(lambda _: 200) as (url, seen), opened(webhooks=(Webhook(url, "shared-value"),)) as world:
        push(world)
        await world.post(f"{ARTIFACTS}/v1.4.2/scan")
        await until(lambda: len(seen) == 2)
    (headers, pushed), (_, completed) = seen
    assert headers["authorization"] == "shared-value"
    assert keys(pushed) == keys(load("samples/harbor.webhook.push_artifact.default.json"))
    assert keys(load("samples/harbor.webhook.scanning_completed.default.json")) <= keys(completed)
    assert pushed["event_data"]["resources"][0]["resource_url"] == "harbor.example.com/apps/my-app:v1.4.2"
    assert "tag" not in completed["event_data"]["resources"][0]


async def test_cloud_events_keep_their_id_on_retries() -> None:
    """H21, H22: three tries."""
    async with (
        receiver(lambda count: 500 if count < 3 else 200) as (url, seen),
        opened(webhooks=(Webhook(url, "", "CloudEvents"),)) as world,
    ):
        push(world)
        await until(lambda: len(seen) == 3)
    assert len({body["id"] for _, body in seen}) == 1
    headers, body = seen[0]
    assert headers["content-type"] == "application/cloudevents+json"
    assert keys(body) == keys(load("samples/harbor.webhook.push_artifact.cloudevents.json"))
    assert body["type"] == "harbor.artifact.pushed"


async def test_a_push_by_digest_names_the_digest_as_its_tag() -> None:
    """H23."""
    async with receiver(lambda _: 200) as (url, seen), opened(webhooks=(Webhook(url),)) as world:
        digest = world.server.push("apps/my-app", [], "1", SOURCE)
        await until(lambda: bool(seen))
    assert seen[0][1]["event_data"]["resources"][0]["tag"] == digest


def keys(value: Any, path: str = "") -> set[str]:
    """Every field of a payload, by its path; what hangs on a summary's values left out."""
    if isinstance(value, list):
        return {found for item in value for found in keys(item, path + "[]")}
    if not isinstance(value, dict) or path.endswith("summary.summary"):
        return {path}
    return {found for key, item in value.items() for found in keys(item, f"{path}.{key}")}
