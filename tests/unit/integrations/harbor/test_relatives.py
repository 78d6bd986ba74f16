"""What an image consists of, beyond the digests of its manifests."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
import respx

from bot.domain.errors import NotFound, Unavailable
from bot.domain.image import Image
from bot.settings import HarborSettings
from integrations.harbor import Harbor, HarborContents
from integrations.http import HttpPolicy
from integrations.oci import Oci

URL = "https://harbor.example.com"
REPOSITORY = "harbor.example.com/apps/my-app"
V2 = f"{URL}/v2/apps/my-app"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


class Manifests:
    """Harbor's own answer: an image is its manifest and nothing else."""

    async def contents(self, image: Image) -> frozenset[str]:
        return frozenset({image.digest})


@pytest.fixture
async def contents() -> AsyncIterator[HarborContents]:
    settings = HarborSettings(url=URL, username="robot$pilothouse", password="s3cret")
    async with Oci(settings, HttpPolicy(connect=1, read=1, total=2, attempts=1)) as oci:
        yield HarborContents(cast(Harbor, Manifests()), oci)


def pushed(
    api: respx.Router, files: Sequence[str], *, label: str = "", note: str = "", gzip: str = "", kind: str = OCI_CONFIG
) -> Image:
    """An image of these files; what else differs is in the config, in the manifest, or in how layers are compressed."""
    config: dict[str, Any] = {"config": {"Labels": {"x": label}}, "rootfs": {"type": "layers", "diff_ids": list(files)}}
    body = json.dumps(config if kind == OCI_CONFIG else {}).encode()
    layers = [{"digest": digest_of(f"{gzip}{each}".encode()), "size": 1} for each in files]
    described = {"mediaType": kind, "digest": digest_of(body), "size": len(body)}
    manifest = json.dumps({"config": described, "layers": layers, "annotations": {"note": note}}).encode()
    api.get(f"{V2}/blobs/{digest_of(body)}").respond(content=body)
    api.get(f"{V2}/manifests/{digest_of(manifest)}").respond(content=manifest)
    return Image(REPOSITORY, digest_of(manifest), "")


@pytest.mark.parametrize("how", [{"note": "new"}, {"gzip": "zstd"}, {"label": "new"}, {"label": "new", "gzip": "zstd"}])
async def test_other_manifests_around_the_same_files_share_words(
    contents: HarborContents, respx_mock: respx.Router, how: dict[str, str]
) -> None:
    one, other = pushed(respx_mock, ["a", "b"]), pushed(respx_mock, ["a", "b"], **how)
    assert one.digest != other.digest
    assert await contents.contents(one) & await contents.contents(other)


@pytest.mark.parametrize("files", [["a"], ["b", "a"], ["a", "b", "c"], []])
async def test_other_files_share_none(contents: HarborContents, respx_mock: respx.Router, files: list[str]) -> None:
    one, other = pushed(respx_mock, ["a", "b"]), pushed(respx_mock, files)
    assert not await contents.contents(one) & await contents.contents(other)


async def test_what_is_no_image_shares_no_empty_config(contents: HarborContents, respx_mock: respx.Router) -> None:
    empty = "application/vnd.oci.empty.v1+json"
    one, other = pushed(respx_mock, ["a"], kind=empty), pushed(respx_mock, ["b"], kind=empty)
    assert not await contents.contents(one) & await contents.contents(other)


async def test_what_nobody_may_pull_is_named_by_its_digest(contents: HarborContents, respx_mock: respx.Router) -> None:
    image = Image(REPOSITORY, digest_of(b"x"), "")
    route = respx_mock.get(f"{V2}/manifests/{image.digest}").respond(412, json={"errors": [{"message": "vulnerable"}]})
    assert await contents.contents(image) == {image.digest}
    await contents.contents(image)
    assert route.call_count == 2


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (503, Unavailable)])
async def test_what_cannot_be_read_is_no_absence(
    contents: HarborContents, respx_mock: respx.Router, status: int, kind: type[Exception]
) -> None:
    image = Image(REPOSITORY, digest_of(b"x"), "")
    respx_mock.get(f"{V2}/manifests/{image.digest}").respond(status)
    with pytest.raises(kind):
        await contents.contents(image)


async def test_digests_never_change_so_they_are_asked_once(contents: HarborContents, respx_mock: respx.Router) -> None:
    image = pushed(respx_mock, ["a"])
    for _ in range(3):
        await contents.contents(image)
    assert [call.request.url.path.rpartition("/")[0] for call in respx_mock.calls] == [
        "/v2/apps/my-app/manifests",
        "/v2/apps/my-app/blobs",
    ]
