"""Signatures in a real registry: what the real cosign wrote there. Reads only."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.domain.errors import NotFound
from bot.domain.image import Image, is_digest
from bot.domain.signature import SignatureState
from bot.settings import Settings
from integrations.cosign import Cosign
from integrations.oci import Oci
from tests.live.environment import needed

pytestmark = pytest.mark.live


@pytest.fixture
async def oci() -> AsyncIterator[Oci]:
    needed("PILOTHOUSE_HARBOR__URL")
    async with Oci(Settings().harbor) as made:
        yield made


async def image(oci: Oci, variable: str) -> Image:
    """Of `HOST/PROJECT/NAME:TAG` or `…@sha256:…` in the environment."""
    (reference,) = needed(variable)
    repository, at, digest = reference.partition("@")
    if at:
        return Image(repository, digest)
    repository, _, tag = reference.rpartition(":")
    return Image(repository, (await oci._manifest(repository, tag))[1], tag)


async def key() -> str:
    (file,) = needed("LIVE_COSIGN_KEY")
    return await asyncio.to_thread(Path(file).read_text)


def of_nobody() -> str:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


async def test_a_signed_image_is_signed_by_its_key_and_by_no_other(oci: Oci) -> None:
    """C1 to C5, in whichever place this registry's cosign puts them."""
    signed = await image(oci, "LIVE_SIGNED_IMAGE")
    check = await Cosign(oci).check(signed, {"nobody": of_nobody(), "live": await key()})
    assert (check.state, check.key) == (SignatureState.SIGNED, "live")
    other = await Cosign(oci).check(signed, {"nobody": of_nobody()})
    assert other.state is SignatureState.OTHER_KEY


async def test_an_unsigned_image_has_no_signature(oci: Oci) -> None:
    unsigned = await image(oci, "LIVE_UNSIGNED_IMAGE")
    assert (await Cosign(oci).check(unsigned, {"nobody": of_nobody()})).state is SignatureState.MISSING


async def test_a_keyless_signature_is_told_as_one(oci: Oci) -> None:
    keyless = await image(oci, "LIVE_KEYLESS_IMAGE")
    check = await Cosign(oci).check(keyless, {"nobody": of_nobody()})
    assert check.state is SignatureState.KEYLESS
    assert "keyless" in check.detail


async def test_contents_are_those_of_their_digests(oci: Oci) -> None:
    some = await image(oci, "LIVE_SIGNED_IMAGE" if os.environ.get("LIVE_SIGNED_IMAGE") else "LIVE_UNSIGNED_IMAGE")
    manifest = await oci.manifest(some.repository, some.digest)
    if manifest.config:
        assert await oci.blob(some.repository, manifest.config.digest)
    assert all(is_digest(referrer.digest) for referrer in await oci.referrers(some.repository, some.digest))
    with pytest.raises(NotFound):
        await oci.manifest(some.repository, "pilothouse-live-test-that-does-not-exist")
