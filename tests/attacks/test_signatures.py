"""Signatures by a trusted key that do not say what the gate needs to hear: none of them is a pass.

Each line: what is signed → what the gate says. Through the real checker and the real gate, over a registry in memory
(C1, C2, C4, C14).
"""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.dsse import Envelope

from bot.domain.image import Image
from bot.domain.promotion import Verdict, VerdictState
from bot.gates.signature import SignatureGate
from integrations.cosign import Cosign
from tests.unit.bot.gates.gate_harness import REPOSITORY, GateHarness
from tests.unit.integrations.cosign.signing import BUNDLE, SIGN, Contents, bundle, pem, sign

OURS, THEIRS = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
OTHER = "sha256:" + "9" * 64
BLOCKED, PASSED = VerdictState.BLOCKED, VerdictState.PASSED
TYPE = "cosign container image signature"
CERTIFICATE = {"dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----"}


def payload(digest: str, *, kind: Any = TYPE, reference: Any = REPOSITORY, **image: Any) -> bytes:
    """C2. `image` replaces what is said of the image."""
    critical: dict[str, Any] = {"image": image or {"docker-manifest-digest": digest}}
    if reference is not None:
        critical["identity"] = {"docker-reference": reference}
    if kind is not None:
        critical["type"] = kind
    return json.dumps({"critical": critical, "optional": None}).encode()


def statement(digest: str, kind: str = "https://in-toto.io/Statement/v1", predicate: str = SIGN) -> bytes:
    document = {
        "_type": kind,
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate,
        "predicate": {},
    }
    encoded = json.dumps(document).encode()
    signature = sign(OURS, Envelope(encoded, "application/vnd.in-toto+json", {}).pae())
    envelope = {
        "payload": base64.b64encode(encoded).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps({"mediaType": BUNDLE, "verificationMaterial": {}, "dsseEnvelope": envelope}).encode()


def layer(contents: Contents, image: Image, signed: bytes, key: Any = OURS, **notes: str) -> None:
    contents.attach_layer(image.digest, signed, base64.b64encode(sign(key, signed)).decode(), **notes)


async def judged(contents: Contents, image: Image, **options: Any) -> Verdict:
    question = await GateHarness().question(options={"keys": {"ci": pem(OURS)}, **options})
    assert question.moves[0].after.digest == image.digest
    return await SignatureGate(Cosign(contents)).ask(question)


async def promoted() -> Image:
    return await GateHarness().image("v1.4.2")


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        ({"kind": None}, "type ''"),
        ({"kind": ""}, "type ''"),
        ({"kind": "atomic container signature"}, "atomic container"),
        ({"kind": "cosign blob signature"}, "cosign blob"),
        ({"kind": TYPE.upper()}, "type"),
        ({"kind": TYPE + " "}, "type"),
        ({"kind": 7}, "not a simple signing payload"),
        ({"kind": SIGN}, "type"),
        ({"docker-manifest-digest": OTHER}, "another digest"),
        ({"Docker-manifest-digest": OTHER}, "another digest"),
        ({"docker-manifest-digest": ""}, "no digest"),
        ({"manifest-digest": OTHER}, "no digest"),
    ],
)
async def test_what_our_key_signed_is_no_signature_of_this_image(claim: dict[str, Any], word: str) -> None:
    image, contents = await promoted(), Contents()
    layer(contents, image, payload(image.digest, **claim))
    verdict = await judged(contents, image)
    assert (verdict.state, word in verdict.reason) == (BLOCKED, True), verdict.reason


@pytest.mark.parametrize("first", [True, False])
async def test_a_payload_that_names_two_digests_names_none(first: bool) -> None:
    image, contents = await promoted(), Contents()
    both = {"docker-manifest-digest": image.digest, "Docker-manifest-digest": OTHER}
    layer(contents, image, payload(image.digest, **(both if first else dict(reversed(both.items())))))
    assert (await judged(contents, image)).state is BLOCKED


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [
        ("https://example.com/Statement/v1", SIGN),
        ("", SIGN),
        ("https://in-toto.io/Statement/v1", "https://spdx.dev/Document"),
        ("https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"),
        ("https://in-toto.io/Statement/v1", SIGN + "2"),
    ],
)
async def test_a_bundle_that_says_something_else(kind: str, predicate: str) -> None:
    image, contents = await promoted(), Contents()
    contents.attach_bundle(image.digest, statement(image.digest, kind, predicate))
    assert (await judged(contents, image)).state is BLOCKED


@pytest.mark.parametrize(
    "reference",
    [
        None,
        "",
        "my-app",
        "apps/my-app",
        "evil.example.com/apps/my-app",
        "harbor.example.com/apps/my-app-api",
        "harbor.example.com/apps/my-app/debug",
        "harbor.example.com/sandbox/my-app:v1.4.2",
        "HARBOR.example.com/apps/my-app",
        "harbor.example.com:443/apps/my-app",
    ],
)
async def test_a_signature_that_was_made_for_another_repository(reference: str | None) -> None:
    """Only where policy wants it: cosign itself does not look (C2)."""
    image, contents = await promoted(), Contents()
    layer(contents, image, payload(image.digest, reference=reference))
    verdict = await judged(contents, image, repository=True)
    assert (verdict.state, "repository" in verdict.reason) == (BLOCKED, True)
    assert (await judged(contents, image)).state is PASSED


@pytest.mark.parametrize("suffix", ["", ":v1.4.2", "@" + OTHER, f":v1.4.2@{OTHER}"])
async def test_its_own_repository_by_whatever_reference_is_good(suffix: str) -> None:
    image, contents = await promoted(), Contents()
    layer(contents, image, payload(image.digest, reference=REPOSITORY + suffix))
    assert (await judged(contents, image, repository=True)).state is PASSED


async def test_a_bundle_names_no_repository_so_it_is_none_for_this_one() -> None:
    """C4. Beside it, one in the older layout that does is enough."""
    image, contents = await promoted(), Contents()
    contents.attach_bundle(image.digest, bundle(OURS, image.digest))
    verdict = await judged(contents, image, repository=True)
    assert (verdict.state, "names no repository" in verdict.reason) == (BLOCKED, True)
    layer(contents, image, payload(image.digest))
    assert (await judged(contents, image, repository=True)).state is PASSED


@pytest.mark.parametrize("old", [True, False])
async def test_a_keyless_signature_is_told_as_what_it_is(old: bool) -> None:
    image, contents = await promoted(), Contents()
    if old:
        layer(contents, image, payload(image.digest), THEIRS, **CERTIFICATE)
    else:
        contents.attach_bundle(image.digest, bundle(THEIRS, image.digest, material={"certificate": {}}))
    verdict = await judged(contents, image)
    assert (verdict.state, "keyless" in verdict.reason, "--key" in verdict.remedy) == (BLOCKED, True, True)


async def test_a_stranger_with_the_right_words() -> None:
    image, contents = await promoted(), Contents()
    layer(contents, image, payload(image.digest), THEIRS)
    contents.attach_bundle(image.digest, bundle(THEIRS, image.digest))
    verdict = await judged(contents, image)
    assert (verdict.state, "not with a key" in verdict.reason) == (BLOCKED, True)


async def test_a_signature_of_another_image_under_this_ones_tag() -> None:
    image, contents = await promoted(), Contents()
    layer(contents, image, payload(OTHER))
    contents.attach_bundle(image.digest, bundle(OURS, OTHER))
    assert "another digest" in (await judged(contents, image)).reason
