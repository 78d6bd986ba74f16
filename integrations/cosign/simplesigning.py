"""Signatures as cosign wrote them up to version 2: layers of a manifest (C1, C2).

The manifest is under the tag `sha256-<hex>.sig`, or refers to the image (`--registry-referrers-mode=oci-1-1`).
"""

import base64
import binascii

import msgspec
from msgspec import Struct, field

from integrations.cosign.keys import Keys
from integrations.cosign.verdict import SignatureResult

LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
REFERRER = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""artifact type of a manifest that refers to the image: that of its config (H15)"""
SIGNATURE = "dev.cosignproject.cosign/signature"
TYPE = "cosign container image signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"


class SignedImage(Struct, frozen=True):
    """cosign itself writes `docker-manifest-digest`; its specification spells it with a capital letter (C2)."""

    written: str = field(default="", name="docker-manifest-digest")
    specified: str = field(default="", name="Docker-manifest-digest")

    @property
    def digest(self) -> str:
        """ "" also where the two name different ones."""
        names = {name for name in (self.written, self.specified) if name}
        return names.pop() if len(names) == 1 else ""


class SignedIdentity(Struct, frozen=True):
    reference: str = field(default="", name="docker-reference")


class Critical(Struct, frozen=True):
    image: SignedImage
    identity: SignedIdentity = SignedIdentity()
    type: str = ""


class SimpleSigningPayload(Struct, frozen=True):
    critical: Critical


def examine(
    payload: bytes, annotations: dict[str, str], digest: str, keys: Keys, repository: str = ""
) -> SignatureResult:
    """One layer: verified over its exact bytes, and only then read, all that is critical of it (C2, C14).

    `repository`: the one that it must name; "" is any, for cosign too takes a signature of one repository in another.
    """
    try:
        signature = base64.b64decode(annotations.get(SIGNATURE, ""), validate=True)
    except (binascii.Error, ValueError):
        return SignatureResult.malformed("its signature is not base64")
    if not signature:
        return SignatureResult.malformed(f"it has no annotation {SIGNATURE}")
    key = keys.verifying(signature, payload)
    if not key:
        return SignatureResult.other_key(keyless=CERTIFICATE in annotations)
    try:
        critical = msgspec.json.decode(payload, type=SimpleSigningPayload).critical
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return SignatureResult.malformed("its payload is not a simple signing payload")
    if critical.type != TYPE:
        return SignatureResult.malformed(f"it is of the type {critical.type[:60]!r}, not of a container image")
    signed = critical.image.digest
    if not signed:
        return SignatureResult.malformed("its payload names no digest, or two")
    if signed != digest:
        return SignatureResult.other_digest(signed)
    named = critical.identity.reference
    return (
        SignatureResult.signed(key)
        if not repository or bare(named) == repository
        else SignatureResult.other_repository(named)
    )


def bare(reference: str) -> str:
    """The repository of a reference, which may come with a tag or a digest."""
    name = reference.partition("@")[0]
    path, slash, last = name.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"
