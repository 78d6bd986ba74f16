"""The signature contract on the fake and, over a socket, on cosign's two layouts in a registry."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bot.domain.image import Image
from bot.domain.signature import SignatureState
from bot.ports import Signatures
from bot.settings import HarborSettings
from integrations.cosign import Cosign
from integrations.http import HttpPolicy
from integrations.oci import Oci
from integrations.sandbox.clock import Clock
from integrations.sandbox.harbor import HarborServer
from integrations.sandbox.serving import serve
from tests.contract.registry import REPOSITORY, REVISION, SOURCE, SignaturesContract
from tests.fakes.signatures import MemorySignatures
from tests.unit.integrations.cosign.signing import pem

ROBOT, SECRET = "robot$pilothouse", "r0bot"
QUICK = HttpPolicy(attempts=2, backoff=0.01)


class MemoryWorld:
    def __init__(self) -> None:
        self.fake = MemorySignatures()

    @property
    def signatures(self) -> Signatures:
        return self.fake

    async def push(self, tag: str) -> Image:
        return Image(REPOSITORY, "sha256:" + "a" * 64, tag)

    async def sign(self, image: Image, key: str) -> None:
        self.fake.sign(image, key)

    def public(self, key: str) -> str:
        return key


class SocketWorld:
    def __init__(self, server: HarborServer, oci: Oci, style: Literal["tag", "bundle"]) -> None:
        self.server = server
        self.style = style
        self.oci = oci
        self.keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ours", "theirs")}

    @property
    def signatures(self) -> Signatures:
        return Cosign(self.oci)

    async def push(self, tag: str) -> Image:
        return Image(REPOSITORY, self.server.push(REPOSITORY, [tag], REVISION, SOURCE, scan="never"), tag)

    async def sign(self, image: Image, key: str) -> None:
        self.server.sign(image.repository, image.digest, self.keys[key], self.style)

    def public(self, key: str) -> str:
        return pem(self.keys[key])


class TestFake(SignaturesContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


@pytest.fixture
async def server() -> AsyncIterator[tuple[HarborServer, str]]:
    made = HarborServer(Clock(0.01), {ROBOT: SECRET})
    made.add_project("apps", auto_scan="false")
    try:
        async with serve(made.app) as url:
            yield made, url
    finally:
        await made.close()


def settings(url: str, password: str = SECRET) -> HarborSettings:
    return HarborSettings(url=url, username=ROBOT, password=password)


class TestCosign(SignaturesContract):
    """C1-C3 by the tag, C4 and C5 by the bundle."""

    @pytest.fixture(params=["tag", "bundle"])
    async def world(
        self, server: tuple[HarborServer, str], request: pytest.FixtureRequest
    ) -> AsyncIterator[SocketWorld]:
        async with Oci(settings(server[1]), QUICK) as oci:
            yield SocketWorld(server[0], oci, request.param)

    async def test_a_signature_in_the_other_layout_is_found_as_well(self, world: SocketWorld) -> None:
        """C4: both are in use."""
        image = await world.push("v1")
        await world.sign(image, "theirs")
        world.style = "bundle" if world.style == "tag" else "tag"
        await world.sign(image, "ours")
        check = await world.signatures.check(image, {"release": world.public("ours")})
        assert check.state is SignatureState.SIGNED


async def test_the_labels_of_an_image_are_read_from_its_config(server: tuple[HarborServer, str]) -> None:
    harbor, url = server
    digest = harbor.push(REPOSITORY, ["v1"], REVISION, SOURCE, scan="never")
    async with Oci(settings(url), QUICK) as oci:
        labels = await oci.labels(REPOSITORY, digest)
        assert (await oci._manifest(REPOSITORY, "v1"))[1] == digest
    assert labels["org.opencontainers.image.revision"] == REVISION
    assert labels["org.opencontainers.image.source"] == SOURCE


async def test_nobody_is_challenged_and_given_a_token_for_what_is_public(server: tuple[HarborServer, str]) -> None:
    """H24."""
    harbor, url = server
    digest = harbor.push("library/tool", ["v1"], REVISION, SOURCE, scan="never")
    async with Oci(HarborSettings(url=url), QUICK) as oci:
        assert (await oci._manifest("library/tool", "v1"))[1] == digest


async def test_an_absent_subject_has_no_referrers(server: tuple[HarborServer, str]) -> None:
    """C5."""
    harbor, url = server
    harbor.push(REPOSITORY, ["v1"], REVISION, SOURCE, scan="never")
    async with Oci(settings(url), QUICK) as oci:
        assert await oci.referrers(REPOSITORY, "sha256:" + "f" * 64) == ()
