"""Signatures as cosign writes them since version 3: Sigstore bundles that refer to the image (C4, C5)."""

from typing import Any

import msgspec
from msgspec import Struct, field
from securesystemslib.dsse import Envelope

from integrations.cosign.keys import Keys
from integrations.cosign.verdict import SignatureResult

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PREDICATE = "https://sigstore.dev/cosign/sign/v1"
IN_TOTO = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/"


class EnvelopeSignature(Struct, frozen=True):
    sig: bytes


class DsseEnvelope(Struct, frozen=True, rename="camel"):
    """msgspec reads base64 into bytes."""

    payload: bytes
    payload_type: str
    signatures: list[EnvelopeSignature]


class Material(Struct, frozen=True, rename="camel"):
    """What a keyless signature brings along to be verified; one by a key has only a hint of the key."""

    certificate: Any = None
    x509_certificate_chain: Any = None


class SigstoreBundle(Struct, frozen=True, rename="camel"):
    dsse_envelope: DsseEnvelope
    verification_material: Material = Material()

    @property
    def keyless(self) -> bool:
        material = self.verification_material
        return material.certificate is not None or material.x509_certificate_chain is not None


class Subject(Struct, frozen=True):
    digest: dict[str, str]


class Statement(Struct, frozen=True, rename="camel"):
    type: str = field(name="_type")
    predicate_type: str
    subject: list[Subject]


def examine(blob: bytes, digest: str, keys: Keys, repository: str = "") -> SignatureResult | None:
    """One bundle; None for one that is not a signature of an image but says something else about it.

    `repository`: the one that it must name. A bundle names none (C4), so none counts where one is wanted.
    The transparency log is not asked: a known key, not a time and an identity, is what is trusted here.
    """
    try:
        bundle = msgspec.json.decode(blob, type=SigstoreBundle)
        envelope = bundle.dsse_envelope
        statement = msgspec.json.decode(envelope.payload, type=Statement)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return SignatureResult.malformed("its bundle has no readable DSSE envelope")
    if statement.predicate_type != PREDICATE:
        return None
    if envelope.payload_type != IN_TOTO or not statement.type.startswith(STATEMENT):
        return SignatureResult.malformed("its DSSE payload is not an in-toto statement")
    key = verifying(envelope, keys)
    if not key:
        return SignatureResult.other_key(keyless=bundle.keyless)
    signed = [f"{algorithm}:{value}" for subject in statement.subject for algorithm, value in subject.digest.items()]
    if digest not in signed:
        return SignatureResult.other_digest(", ".join(signed))
    return SignatureResult.other_repository("") if repository else SignatureResult.signed(key)


def verifying(envelope: DsseEnvelope, keys: Keys) -> str:
    """The key of any one signature over the envelope's own encoding of type and payload."""
    content = Envelope(envelope.payload, envelope.payload_type, {}).pae()
    names = (keys.verifying(signature.sig, content) for signature in envelope.signatures)
    return next((name for name in names if name), "")
