"""The registry's own API."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from bot.domain.errors import NotFound, Refused
from bot.settings import HarborSettings
from integrations.http import HttpPolicy
from integrations.oci import Oci

URL = "https://harbor.example.com"
REPOSITORY = "harbor.example.com/apps/team/my-app"
V2 = f"{URL}/v2/apps/team/my-app"
QUICK = HttpPolicy(connect=1, read=1, total=2, attempts=1)
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def settings(password: str | None = "s3cret") -> HarborSettings:
    return HarborSettings(url=URL, username="robot$pilothouse", password=password)


@pytest.fixture
async def oci() -> AsyncIterator[Oci]:
    async with Oci(settings(), QUICK) as made:
        yield made


def document(value: Any) -> tuple[bytes, str]:
    body = json.dumps(value).encode()
    return body, "sha256:" + hashlib.sha256(body).hexdigest()


IMAGE, DIGEST = document({"schemaVersion": 2, "layers": []})


@respx.mock
async def test_basic_credentials_are_sent_at_once(oci: Oci) -> None:
    """H24."""
    route = respx.get(f"{V2}/manifests/{DIGEST}").respond(content=IMAGE)
    await oci.manifest(REPOSITORY, DIGEST)
    sent = route.calls.last.request
    assert sent.headers["authorization"].startswith("Basic ")
    assert "application/vnd.oci.image.index.v1+json" in sent.headers["accept"]


@respx.mock
async def test_without_credentials_the_challenge_is_answered() -> None:
    """H24: a GET without authorization is challenged even in a public project."""
    challenge = f'Bearer realm="{URL}/service/token",service="harbor-registry",scope="repository:apps/team/my-app:pull"'
    manifest = respx.get(f"{V2}/manifests/v1").mock(
        side_effect=[httpx.Response(401, headers={"WWW-Authenticate": challenge}), httpx.Response(200, content=IMAGE)]
    )
    token = respx.get(f"{URL}/service/token").respond(json={"token": "t0ken"})
    async with Oci(settings(None), QUICK) as oci:
        assert (await oci._manifest(REPOSITORY, "v1"))[1] == DIGEST
    assert token.calls.last.request.url.params["scope"] == "repository:apps/team/my-app:pull"
    assert manifest.calls.last.request.headers["authorization"] == "Bearer t0ken"


@respx.mock
async def test_without_credentials_a_blob_is_had_by_a_token_too() -> None:
    """H24: a signature is a blob, and a public image's must be readable by nobody in particular."""
    body, digest = document({"a": 1})
    challenge = (
        'Bearer realm="https://harbor.example.com/service/token",service="x",scope="repository:apps/my-app:pull"'
    )
    asked = respx.get(f"{V2}/blobs/{digest}").mock(
        side_effect=[
            httpx.Response(401, headers={"WWW-Authenticate": challenge}),
            httpx.Response(307, headers={"Location": "https://storage.example.com/x?sig=1"}),
        ]
    )
    respx.get("https://harbor.example.com/service/token").respond(json={"token": "t0ken"})
    storage = respx.get("https://storage.example.com/x").respond(content=body)
    async with Oci(settings(None), QUICK) as oci:
        assert await oci.blob(REPOSITORY, digest) == body
    assert asked.calls.last.request.headers["authorization"] == "Bearer t0ken"
    assert "authorization" not in storage.calls.last.request.headers


@respx.mock
async def test_a_realm_elsewhere_is_not_sent_the_password(oci: Oci) -> None:
    challenge = 'Bearer realm="https://evil.example.com/token",service="x"'
    respx.get(f"{V2}/manifests/v1").respond(401, headers={"WWW-Authenticate": challenge})
    evil = respx.get("https://evil.example.com/token").respond(json={"token": "t"})
    with pytest.raises(Refused, match="not logged in"):
        await oci.manifest(REPOSITORY, "v1")
    assert evil.call_count == 0


@respx.mock
async def test_content_that_is_not_of_its_digest_is_refused(oci: Oci) -> None:
    respx.get(f"{V2}/manifests/{DIGEST}").respond(content=IMAGE + b" ")
    respx.get(f"{V2}/blobs/{DIGEST}").respond(content=b"other")
    with pytest.raises(Refused, match="not that of"):
        await oci.manifest(REPOSITORY, DIGEST)
    with pytest.raises(Refused, match="not that of"):
        await oci.blob(REPOSITORY, DIGEST)


@respx.mock
async def test_a_blob_in_object_storage_is_fetched_without_the_credentials(oci: Oci) -> None:
    body, digest = document({"a": 1})
    respx.get(f"{V2}/blobs/{digest}").respond(307, headers={"Location": "https://storage.example.com/x?sig=1"})
    storage = respx.get("https://storage.example.com/x").respond(content=body)
    assert await oci.blob(REPOSITORY, digest) == body
    assert "authorization" not in storage.calls.last.request.headers


@respx.mock
async def test_a_blob_whose_redirect_leads_nowhere_is_refused(oci: Oci) -> None:
    respx.get(f"{V2}/blobs/{DIGEST}").respond(307, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(Refused, match="leads nowhere"):
        await oci.blob(REPOSITORY, DIGEST)


async def test_a_blob_is_asked_for_by_digest_only(oci: Oci) -> None:
    with pytest.raises(Refused, match="not a digest"):
        await oci.blob(REPOSITORY, "../../secrets")


@respx.mock
async def test_labels_of_an_image_and_of_an_index(oci: Oci) -> None:
    labels = {"org.opencontainers.image.revision": "abc"}
    config, config_digest = document({"config": {"Labels": labels}})
    image, image_digest = document({"config": {"digest": config_digest}, "layers": []})
    attestation = {"digest": DIGEST, "platform": {"os": "unknown", "architecture": "unknown"}}
    platform = {"digest": image_digest, "platform": {"os": "linux", "architecture": "amd64"}}
    index, index_digest = document({"manifests": [attestation, platform]})
    respx.get(f"{V2}/blobs/{config_digest}").respond(content=config)
    respx.get(f"{V2}/manifests/{image_digest}").respond(content=image)
    respx.get(f"{V2}/manifests/{index_digest}").respond(content=index)
    assert await oci.labels(REPOSITORY, image_digest) == labels
    assert await oci.labels(REPOSITORY, index_digest) == labels


@respx.mock
async def test_an_image_without_labels_has_none(oci: Oci) -> None:
    config, config_digest = document({"config": None})
    image, image_digest = document({"config": {"digest": config_digest}})
    respx.get(f"{V2}/blobs/{config_digest}").respond(content=config)
    respx.get(f"{V2}/manifests/{image_digest}").respond(content=image)
    assert await oci.labels(REPOSITORY, image_digest) == {}


@respx.mock
async def test_referrers_are_filtered_here_where_the_server_did_not(oci: Oci) -> None:
    """C5: the filter that was applied is named in a header, and here it is not."""
    found = [{"digest": "sha256:1", "artifactType": BUNDLE}, {"digest": "sha256:2", "artifactType": "other"}]
    route = respx.get(f"{V2}/referrers/{DIGEST}").respond(json={"manifests": found})
    assert [d.digest for d in await oci.referrers(REPOSITORY, DIGEST, BUNDLE)] == ["sha256:1"]
    assert route.calls.last.request.url.params["artifactType"] == BUNDLE
    assert len(await oci.referrers(REPOSITORY, DIGEST)) == 2


@respx.mock
async def test_an_absent_subject_has_no_referrers(oci: Oci) -> None:
    """C5: 200 with an empty list."""
    respx.get(f"{V2}/referrers/{DIGEST}").respond(json={"manifests": []})
    assert await oci.referrers(REPOSITORY, DIGEST) == ()


@respx.mock
async def test_without_the_referrers_api_there_is_a_tag(oci: Oci) -> None:
    """C4, C5: 404 = the API is not supported."""
    respx.get(f"{V2}/referrers/{DIGEST}").respond(404)
    tag = respx.get(f"{V2}/manifests/{DIGEST.replace(':', '-')}").respond(404)
    assert await oci.referrers(REPOSITORY, DIGEST) == ()
    tag.respond(json={"manifests": [{"digest": "sha256:1", "artifactType": BUNDLE}]})
    assert [d.digest for d in await oci.referrers(REPOSITORY, DIGEST, BUNDLE)] == ["sha256:1"]


@respx.mock
async def test_referrers_on_more_pages(oci: Oci) -> None:
    link = f'<{V2}/referrers/{DIGEST}?last=1>; rel="next"'
    respx.get(f"{V2}/referrers/{DIGEST}", params={"last": "1"}).respond(json={"manifests": [{"digest": "sha256:2"}]})
    respx.get(f"{V2}/referrers/{DIGEST}").respond(json={"manifests": [{"digest": "sha256:1"}]}, headers={"Link": link})
    assert [d.digest for d in await oci.referrers(REPOSITORY, DIGEST)] == ["sha256:1", "sha256:2"]


@respx.mock
async def test_what_the_projects_policy_blocks_is_told_so(oci: Oci) -> None:
    """H17: 412, not 403."""
    body = {"errors": [{"code": "PROJECTPOLICYVIOLATION", "message": "The image is not signed by cosign."}]}
    respx.get(f"{V2}/manifests/v1").respond(412, json=body)
    with pytest.raises(Refused, match="policy blocks the pull: The image is not signed by cosign"):
        await oci.manifest(REPOSITORY, "v1")


@respx.mock
async def test_an_absent_manifest_is_not_found(oci: Oci) -> None:
    respx.get(f"{V2}/manifests/v9").respond(404, json={"errors": [{"code": "NOT_FOUND", "message": "not found"}]})
    with pytest.raises(NotFound):
        await oci.manifest(REPOSITORY, "v9")
