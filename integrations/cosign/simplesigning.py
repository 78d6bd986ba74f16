"""Signatures as cosign wrote them up to version 2: layers of a manifest (C1, C2).

The manifest is under the tag `sha256-<hex>.sig`, or refers to the image (`--registry-referrers-mode=oci-1-1`).
"""

import base64
import binascii

import msgspec
from msgspec import Struct, field

from integrations.cosign.keys import Keys
from integrations.cosign.verdict import Found

LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
REFERRER = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""artifact type of a manifest that refers to the image: that of its config (H15)"""
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"


class SignedImage(Struct, frozen=True):
    """cosign itself writes `docker-manifest-digest`; its specification spells it with a capital letter (C2)."""

    written: str = field(default="", name="docker-manifest-digest")
    specified: str = field(default="", name="Docker-manifest-digest")

    @property
    def digest(self) -> str:
        return self.written or self.specified


class Critical(Struct, frozen=True):
    image: SignedImage


class Payload(Struct, frozen=True):
    """`docker-reference` is not looked at: a signature of one repository is valid in another (C2)."""

    critical: Critical


def examine(payload: bytes, annotations: dict[str, str], digest: str, keys: Keys) -> Found:
    """One layer: verified over its exact bytes, and only then read (C2)."""
    try:
        signature = base64.b64decode(annotations.get(SIGNATURE, ""), validate=True)
    except (binascii.Error, ValueError):
        return Found.malformed("its signature is not base64")
    if not signature:
        return Found.malformed(f"it has no annotation {SIGNATURE}")
    key = keys.verifying(signature, payload)
    if not key:
        return Found.other_key(keyless=CERTIFICATE in annotations)
    try:
        signed = msgspec.json.decode(payload, type=Payload).critical.image.digest
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Found.malformed("its payload is not a simple signing payload")
    if not signed:
        return Found.malformed("its payload names no digest")
    return Found.signed(key) if signed == digest else Found.other_digest(signed)
