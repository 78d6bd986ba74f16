"""Signing as cosign does, old and new, into a registry in memory."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope

from bot.domain.errors import NotFound, Refused
from integrations.oci.wire import Descriptor, Manifest

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIG = "application/vnd.dev.cosign.artifact.sig.v1+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGN = "https://sigstore.dev/cosign/sign/v1"


def pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(key: PrivateKey, content: bytes) -> bytes:
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(content, ec.ECDSA(hashes.SHA256()))
        case rsa.RSAPrivateKey():
            return key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        case _:
            return key.sign(content)


def simple_payload(digest: str) -> bytes:
    """C2."""
    critical = {
        "identity": {"docker-reference": "harbor.example.com/apps/my-app"},
        "image": {"Docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": {}}).encode()


def bundle(
    key: PrivateKey,
    digest: str,
    predicate: str = SIGN,
    payload_type: str = "application/vnd.in-toto+json",
    material: dict[str, Any] | None = None,
) -> bytes:
    """C4."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate,
        "predicate": {},
    }
    payload = json.dumps(statement).encode()
    signature = sign(key, Envelope(payload, payload_type, {}).pae())
    return json.dumps(
        {
            "mediaType": BUNDLE,
            "verificationMaterial": {**(material or {"publicKey": {"hint": "x"}}), "tlogEntries": []},
            "dsseEnvelope": {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": payload_type,
                "signatures": [{"sig": base64.b64encode(signature).decode()}],
            },
        }
    ).encode()


@dataclass
class Contents:
    """Manifests and blobs by repository-less names; `refusing` blobs cannot be read."""

    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    referring: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def put(self, blob: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        self.blobs[digest] = blob
        return digest

    def attach_layer(self, image: str, payload: bytes, signature: str | None, **more: str) -> None:
        """C1: one more layer under the image's signature tag."""
        tag = image.replace(":", "-") + ".sig"
        manifest = self.manifests.setdefault(tag, {"schemaVersion": 2, "layers": []})
        notes = {} if signature is None else {"dev.cosignproject.cosign/signature": signature, **more}
        manifest["layers"].append({"mediaType": SIMPLE, "digest": self.put(payload), "annotations": notes})

    def refer(self, image: str, payload: bytes, signature: str) -> None:
        """C1's layer in a manifest that refers to the image."""
        notes = {"dev.cosignproject.cosign/signature": signature}
        layers = [{"mediaType": SIMPLE, "digest": self.put(payload), "annotations": notes}]
        manifest = {"config": {"mediaType": SIG, "digest": "sha256:" + "0" * 64}, "layers": layers}
        digest = self.put(json.dumps(manifest).encode())
        self.manifests[digest] = manifest
        self.referring.setdefault(image, []).append({"digest": digest, "artifactType": SIG})

    def attach_bundle(self, image: str, blob: bytes) -> None:
        """C4, C5."""
        manifest = {"artifactType": BUNDLE, "layers": [{"mediaType": BUNDLE, "digest": self.put(blob)}]}
        digest = self.put(json.dumps(manifest).encode())
        self.manifests[digest] = manifest
        self.referring.setdefault(image, []).append({"digest": digest, "artifactType": BUNDLE})

    async def manifest(self, repository: str, reference: str) -> Manifest:
        if reference not in self.manifests:
            raise NotFound("OCI registry", "read the manifest", "HTTP 404")
        return msgspec.convert(self.manifests[reference], Manifest)

    async def blob(self, repository: str, digest: str) -> bytes:
        if digest not in self.blobs:
            raise Refused("OCI registry", "read the blob", "the content is not that of the digest")
        return self.blobs[digest]

    async def referrers(self, repository: str, digest: str, artifact_type: str = "") -> tuple[Descriptor, ...]:
        return tuple(msgspec.convert(self.referring.get(digest, []), list[Descriptor]))
