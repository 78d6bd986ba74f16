"""Is it signed by somebody we trust: every way of yes, every reason of no."""

import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused
from bot.domain.image import Image
from bot.domain.signature import SignatureState
from integrations.cosign import Cosign
from integrations.cosign import bundle as bundles
from integrations.cosign.keys import Keys
from integrations.cosign.simplesigning import SIGNATURE, examine
from integrations.oci.wire import Manifest
from tests.contract.specs import contract
from tests.unit.integrations.cosign.signing import SIGN, Contents, PrivateKey, bundle, pem, sign, simple_payload

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
IMAGE = Image("harbor.example.com/apps/my-app", DIGEST)
OURS, THEIRS = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
TRUSTED = {"release": pem(OURS)}


def legacy(key: PrivateKey, signed: str = DIGEST) -> Contents:
    contents, payload = Contents(), simple_payload(signed)
    contents.attach_layer(DIGEST, payload, base64.b64encode(sign(key, payload)).decode())
    return contents


def modern(key: PrivateKey, signed: str = DIGEST, **more: Any) -> Contents:
    contents = Contents()
    contents.attach_bundle(DIGEST, bundle(key, signed, **more))
    return contents


@pytest.mark.parametrize("sign_with", [legacy, modern])
@pytest.mark.parametrize(
    "key",
    [OURS, rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()],
    ids=["ecdsa", "rsa", "ed25519"],
)
async def test_signed_by_a_trusted_key(sign_with: object, key: PrivateKey) -> None:
    """C1, C2, C3, C4."""
    contents = legacy(key) if sign_with is legacy else modern(key)
    check = await Cosign(contents).check(IMAGE, {"other": pem(THEIRS), "release": pem(key)})
    assert (check.state, check.key) == (SignatureState.SIGNED, "release")


def referring(key: PrivateKey, signed: str = DIGEST) -> Contents:
    contents, payload = Contents(), simple_payload(signed)
    contents.refer(DIGEST, payload, base64.b64encode(sign(key, payload)).decode())
    return contents


async def test_the_older_signature_may_refer_to_the_image_instead_of_having_a_tag() -> None:
    """C1, C5, H15: `--registry-referrers-mode=oci-1-1`."""
    assert (await Cosign(referring(OURS)).check(IMAGE, TRUSTED)).state is SignatureState.SIGNED
    assert (await Cosign(referring(THEIRS)).check(IMAGE, TRUSTED)).state is SignatureState.OTHER_KEY
    assert (await Cosign(referring(OURS, OTHER)).check(IMAGE, TRUSTED)).state is SignatureState.OTHER_DIGEST


@pytest.mark.parametrize("material", [{"certificate": {"rawBytes": ""}}, {"x509CertificateChain": {}}, None])
async def test_a_keyless_signature_is_refused_as_one(material: dict[str, object] | None) -> None:
    """C4: a certificate and an identity, of which policy knows none yet."""
    contents = Contents()
    if material:
        contents.attach_bundle(DIGEST, bundle(THEIRS, DIGEST, material=material))
    else:
        payload = simple_payload(DIGEST)
        signature = base64.b64encode(sign(THEIRS, payload)).decode()
        contents.attach_layer(DIGEST, payload, signature, **{"dev.sigstore.cosign/certificate": "-----BEGIN"})
    check = await Cosign(contents).check(IMAGE, TRUSTED)
    assert check.state is SignatureState.KEYLESS
    assert "keyless" in check.detail


async def test_no_signature() -> None:
    assert (await Cosign(Contents()).check(IMAGE, TRUSTED)).state is SignatureState.MISSING


@pytest.mark.parametrize("sign_with", [legacy, referring, modern])
async def test_contents_are_read_once_and_which_there_are_is_asked_each_time(
    sign_with: Callable[..., Contents],
) -> None:
    """A signature that somebody removes does not count any longer, though its contents never change."""
    contents = sign_with(OURS)
    cosign = Cosign(contents)
    assert (await cosign.check(IMAGE, TRUSTED)).state is SignatureState.SIGNED
    contents.blobs.clear()
    assert (await cosign.check(IMAGE, TRUSTED)).state is SignatureState.SIGNED
    assert (await cosign.check(IMAGE, {"other": pem(THEIRS)})).state is not SignatureState.SIGNED
    contents.manifests.clear()
    contents.referring.clear()
    assert (await cosign.check(IMAGE, TRUSTED)).state is not SignatureState.SIGNED


async def test_what_the_registry_has_elsewhere_is_not_here() -> None:
    contents = legacy(OURS)
    cosign = Cosign(contents)
    await cosign.check(IMAGE, TRUSTED)
    contents.blobs.clear()
    elsewhere = Image("harbor.example.com/apps/other", DIGEST)
    assert (await cosign.check(elsewhere, TRUSTED)).state is not SignatureState.SIGNED


@pytest.mark.parametrize("contents", [legacy(THEIRS), modern(THEIRS)], ids=["tag", "bundle"])
async def test_signed_by_another_key(contents: Contents) -> None:
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.OTHER_KEY


@pytest.mark.parametrize("contents", [legacy(OURS, OTHER), modern(OURS, OTHER)], ids=["tag", "bundle"])
async def test_a_good_signature_for_another_digest(contents: Contents) -> None:
    """C2: the signature of one image, copied to another."""
    check = await Cosign(contents).check(IMAGE, TRUSTED)
    assert check.state is SignatureState.OTHER_DIGEST
    assert OTHER in check.detail


async def test_any_layer_that_verifies_is_enough() -> None:
    """C1, C3: a second signature appends a layer."""
    contents, payload = legacy(THEIRS), simple_payload(DIGEST)
    contents.attach_layer(DIGEST, payload, base64.b64encode(sign(OURS, payload)).decode())
    contents.attach_layer(DIGEST, b"{}", "not base64!")
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.SIGNED


async def test_both_places_are_looked_in() -> None:
    """C4."""
    contents = legacy(THEIRS)
    contents.attach_bundle(DIGEST, bundle(OURS, DIGEST))
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.SIGNED


async def test_what_else_our_key_says_of_the_image_is_no_signature_of_it() -> None:
    """C4: a bill of materials is signed, too."""
    contents = modern(OURS, predicate="https://spdx.dev/Document")
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.MISSING


async def test_the_exact_bytes_are_verified() -> None:
    """C2: never re-serialised."""
    contents, payload = Contents(), simple_payload(DIGEST)
    signature = base64.b64encode(sign(OURS, payload)).decode()
    contents.attach_layer(DIGEST, json.dumps(json.loads(payload), indent=1).encode(), signature)
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.OTHER_KEY


async def test_the_type_of_the_payload_is_signed_too() -> None:
    """DSSE: the same bytes under another type are another statement."""
    blob = json.loads(bundle(OURS, DIGEST, payload_type="text/plain"))
    blob["dsseEnvelope"]["payloadType"] = "application/vnd.in-toto+json"
    contents = Contents()
    contents.attach_bundle(DIGEST, json.dumps(blob).encode())
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.OTHER_KEY


@pytest.mark.parametrize("signature", [None, "", "not base64!"])
async def test_a_layer_without_a_readable_signature(signature: str | None) -> None:
    contents = Contents()
    contents.attach_layer(DIGEST, simple_payload(DIGEST), signature)
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.MALFORMED


async def test_a_blob_that_is_not_what_it_should_be() -> None:
    contents = legacy(OURS)
    contents.blobs.clear()
    check = await Cosign(contents).check(IMAGE, TRUSTED)
    assert (check.state, check.detail) == (SignatureState.MALFORMED, "the content is not that of the digest")


async def test_a_bundle_that_is_none() -> None:
    contents = Contents()
    contents.attach_bundle(DIGEST, b"<html>")
    assert (await Cosign(contents).check(IMAGE, TRUSTED)).state is SignatureState.MALFORMED


async def test_without_keys_nothing_is_signed() -> None:
    assert (await Cosign(legacy(OURS)).check(IMAGE, {})).state is SignatureState.OTHER_KEY


@pytest.mark.parametrize("text", ["", "not a key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
async def test_a_key_that_is_none_is_named(text: str) -> None:
    with pytest.raises(Refused, match="'release' cannot be used: expected a PEM public key"):
        await Cosign(Contents()).check(IMAGE, {"release": text})


def test_the_sample_key_is_read() -> None:
    """C3."""
    Keys({"example": contract("samples/cosign.example.pub").read_text()})


@pytest.mark.parametrize(
    "name",
    [
        "cosign.manifest.legacy-tag.json",
        "cosign.manifest.oci11-referrer.json",
        "cosign.manifest.bundle-v0.3.json",
        "cosign.referrers.index.json",
    ],
)
def test_every_sample_of_a_manifest_is_read(name: str) -> None:
    """C1, C4, C5."""
    manifest = msgspec.json.decode(contract(f"samples/{name}").read_bytes(), type=Manifest)
    assert manifest.layers or manifest.manifests
    for layer in manifest.layers or ():
        if layer.media_type != bundles.BUNDLE:
            assert (layer.annotations or {})[SIGNATURE]


def test_the_sample_payload_is_read() -> None:
    """C2; its digest is shortened upstream."""
    payload = contract("samples/cosign.payload.simplesigning.json").read_bytes()
    notes = {SIGNATURE: base64.b64encode(sign(OURS, payload)).decode()}
    assert examine(payload, notes, DIGEST, Keys(TRUSTED)).detail == "it signs sha256:20be...fe55"


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Docker-manifest-digest", SignatureState.SIGNED),
        ("docker-manifest-digest", SignatureState.SIGNED),
        ("manifest-digest", SignatureState.MALFORMED),
    ],
)
def test_cosign_itself_writes_the_digests_name_in_lower_case(name: str, state: SignatureState) -> None:
    """C2 quotes the specification; cosign 3.1.3 was seen to write the other spelling."""
    payload = simple_payload(DIGEST).replace(b"Docker-manifest-digest", name.encode())
    notes = {SIGNATURE: base64.b64encode(sign(OURS, payload)).decode()}
    assert examine(payload, notes, DIGEST, Keys(TRUSTED)).state is state


@given(st.binary(max_size=60), st.dictionaries(st.just(SIGNATURE), st.text(max_size=40)))
def test_no_layer_breaks_the_check(payload: bytes, notes: dict[str, str]) -> None:
    assert examine(payload, notes, DIGEST, Keys(TRUSTED)).state is not SignatureState.SIGNED


fields = st.sampled_from(["dsseEnvelope", "payload", "payloadType", "signatures", "sig"])
documents = st.recursive(
    st.none() | st.text(max_size=10) | st.sampled_from(["e30=", SIGN]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(fields, inner, max_size=4),
    max_leaves=10,
)


@given(st.one_of(st.binary(max_size=60), documents.map(lambda d: json.dumps(d).encode())))
def test_no_bundle_breaks_the_check(blob: bytes) -> None:
    found = bundles.examine(blob, DIGEST, Keys(TRUSTED))
    assert found is None or found.state is not SignatureState.SIGNED
