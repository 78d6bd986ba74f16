"""What `cosign sign --key` leaves in a registry: the legacy tag (C1-C3) and the bundle referrer (C4)."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .content import EMPTY, IMAGE_CONFIG, MANIFEST, Blob, Document, Manifest, encode

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PREDICATE = "https://sigstore.dev/cosign/sign/v1"
IN_TOTO = "application/vnd.in-toto+json"


def legacy_tag(digest: str) -> str:
    return digest.replace(":", "-") + ".sig"


def legacy(reference: str, digest: str, key: ec.EllipticCurvePrivateKey, before: Manifest | None = None) -> Manifest:
    """The manifest of the `.sig` tag, with the layers of `before` and one more (C1). `reference`: `host/repository`."""
    payload = {
        "critical": {
            "identity": {"docker-reference": reference},
            # As cosign writes it; its specification spells the name with a capital letter (C2).
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    layer = Blob(SIMPLE_SIGNING, encode(payload))
    signature = base64.b64encode(_sign(key, layer.data)).decode()
    layers = list(before.document["layers"]) if before else []
    layers.append(layer.descriptor(annotations={SIGNATURE_ANNOTATION: signature}))
    config = Blob(IMAGE_CONFIG, encode(_signature_config(layers)))
    kept = tuple(blob for blob in before.blobs if blob.media_type == SIMPLE_SIGNING) if before else ()
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor(), "layers": layers}
    return Manifest(document, (config, *kept, layer))


def _signature_config(layers: list[Document]) -> Document:
    return {
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "history": [{"created": "0001-01-01T00:00:00Z"}],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        "config": {},
    }


def bundle(subject: Manifest, key: ec.EllipticCurvePrivateKey, created: str) -> Manifest:
    """A referrer of `subject`: a Sigstore bundle around a DSSE envelope, verified by key (C4). created: RFC 3339."""
    layer = Blob(BUNDLE, encode(_bundle(subject.digest, key)))
    config = Blob(EMPTY, b"{}")
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.data)},
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": PREDICATE,
            "org.opencontainers.image.created": created,
        },
    }
    return Manifest(document, (config, layer))


def _bundle(digest: str, key: ec.EllipticCurvePrivateKey) -> Document:
    algorithm, _, value = digest.partition(":")
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {algorithm: value}}],
        "predicateType": PREDICATE,
        "predicate": {},
    }
    payload = json.dumps(statement, separators=(",", ":")).encode()
    signature = base64.b64encode(_sign(key, pre_authentication_encoding(IN_TOTO, payload))).decode()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    hint = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": signature}],
        },
    }


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What a DSSE signature is made over."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def _sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """C3: ECDSA, SHA-256, ASN.1 DER."""
    return key.sign(data, ec.ECDSA(SHA256()))
