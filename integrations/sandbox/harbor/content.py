"""Content-addressed things of an OCI registry: blobs, manifests, and the image that a push makes of its arguments."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"
EMPTY = "application/vnd.oci.empty.v1+json"

Document = dict[str, Any]


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(document: Document) -> bytes:
    """The one byte form that a digest is taken of."""
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Blob:
    media_type: str
    data: bytes

    @cached_property
    def digest(self) -> str:
        return digest_of(self.data)

    def descriptor(self, **more: Any) -> Document:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **more}


@dataclass(frozen=True)
class Manifest:
    """A manifest and the blobs that it names."""

    document: Document
    blobs: tuple[Blob, ...] = ()
    data: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", encode(self.document))

    @cached_property
    def digest(self) -> str:
        return digest_of(self.data)

    @property
    def media_type(self) -> str:
        return str(self.document.get("mediaType", MANIFEST))

    @property
    def size(self) -> int:
        return len(self.data) + sum(len(blob.data) for blob in self.blobs)

    @property
    def subject(self) -> str:
        return str((self.document.get("subject") or {}).get("digest", ""))


def image(
    repository: str, revision: str, source: str, created: str, version: str = "", architecture: str = "amd64"
) -> Manifest:
    """An image whose content, and so whose digest, follows from these arguments alone.

    created: RFC 3339. The config carries the OCI labels that tell where the image comes from.
    """
    layer = Blob(
        LAYER, f"layer of {repository} at {revision}{'' if architecture == 'amd64' else architecture}".encode()
    )
    labels = {
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.revision": revision,
        "org.opencontainers.image.source": source,
    }
    if version:
        labels["org.opencontainers.image.version"] = version
    config = Blob(IMAGE_CONFIG, encode(_config(labels, created, layer.digest, architecture)))
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
    }
    return Manifest(document, (config, layer))


def index(platforms: Mapping[str, Manifest], attestations: Iterable[Manifest]) -> Manifest:
    """`platforms`: "linux/arm64" → its image. Attestations stand beside them, as BuildKit writes it."""
    entries = [_entry(manifest, *name.split("/", 1)) for name, manifest in platforms.items()]
    entries += [_entry(manifest, "unknown", "unknown") for manifest in attestations]
    return Manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})


def _entry(manifest: Manifest, os: str, architecture: str) -> Document:
    platform = {"os": os, "architecture": architecture}
    return {
        "mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.data), "platform": platform,
    }  # fmt: skip


def attestation(subject: Manifest) -> Manifest:
    """What BuildKit adds for each platform; the registry knows it as a manifest like others."""
    statement = Blob(IN_TOTO, encode({"predicateType": "https://slsa.dev/provenance/v1", "subject": subject.digest}))
    config = Blob(IMAGE_CONFIG, encode({"architecture": "unknown", "os": "unknown", "config": {}}))
    document = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor(), "layers": [statement.descriptor()],
    }  # fmt: skip
    return Manifest(document, (config, statement))


def _config(labels: dict[str, str], created: str, layer: str, architecture: str) -> Document:
    return {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "Entrypoint": ["python", "-m", "src.main"],
            "WorkingDir": "/srv",
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer]},
        "history": [{"created": created, "created_by": "COPY src/ src/ # buildkit"}],
    }
