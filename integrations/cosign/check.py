"""Looking for an image's signatures where cosign puts them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from bot.domain.errors import NotFound, Refused
from bot.domain.image import Image, is_digest
from bot.domain.signature import SignatureCheck
from integrations.cosign import bundle, simplesigning
from integrations.cosign.keys import Keys
from integrations.cosign.verdict import SignatureResult, verdict
from integrations.kept import Kept
from integrations.oci.names import signature_tag
from integrations.oci.wire import Descriptor, Manifest

MOST = 50
"""signatures of one image that are looked at"""
KEPT, KEPT_BYTES = 100, 64 * 1024
"""how many contents of signatures are kept, and the largest of them"""


@dataclass(frozen=True)
class Wanted:
    """What is asked: signed by one of the keys, and where `repository` is not "", for that repository."""

    image: Image
    keys: Keys
    repository: str = ""


class RegistryContents(Protocol):
    """What is needed of a registry."""

    async def manifest(self, repository: str, reference: str) -> Manifest: ...

    async def blob(self, repository: str, digest: str) -> bytes: ...

    async def referrers(self, repository: str, digest: str, artifact_type: str = "") -> tuple[Descriptor, ...]: ...


class SignatureSearch:
    """All places are looked in, because all are in use (C4)."""

    def __init__(self, registry: RegistryContents) -> None:
        self._registry = registry
        self._manifests: Kept[Manifest] = Kept(KEPT)
        self._blobs: Kept[bytes] = Kept(KEPT)

    async def check(self, image: Image, keys: Mapping[str, str], *, own_repository: bool = False) -> SignatureCheck:
        """Raises Refused for a key that is not a PEM public key."""
        wanted = Wanted(image, Keys(keys), image.repository if own_repository else "")
        tagged, referring = await asyncio.gather(self._tagged(wanted), self._referring(wanted))
        return verdict([*tagged, *referring])

    async def _tagged(self, wanted: Wanted) -> list[SignatureResult]:
        try:
            manifest = await self._registry.manifest(wanted.image.repository, signature_tag(wanted.image.digest))
        except NotFound:
            return []
        return await self._layers(wanted, manifest)

    async def _layers(self, wanted: Wanted, manifest: Manifest) -> list[SignatureResult]:
        layers = [d for d in manifest.layers or () if d.media_type == simplesigning.LAYER]
        return list(await asyncio.gather(*(self._layer(wanted, layer) for layer in layers[-MOST:])))

    async def _layer(self, wanted: Wanted, layer: Descriptor) -> SignatureResult:
        try:
            payload = await self._blob(wanted.image.repository, layer.digest)
        except Refused as error:
            return SignatureResult.malformed(error.detail)
        return simplesigning.examine(
            payload, layer.annotations or {}, wanted.image.digest, wanted.keys, wanted.repository
        )

    async def _referring(self, wanted: Wanted) -> list[SignatureResult]:
        referrers = await self._registry.referrers(wanted.image.repository, wanted.image.digest)
        signatures = [r for r in referrers if r.artifact_type in (bundle.BUNDLE, simplesigning.REFERRER)]
        found = await asyncio.gather(*(self._referrer(wanted, referrer) for referrer in signatures[-MOST:]))
        return [each for referrer in found for each in referrer]

    async def _referrer(self, wanted: Wanted, referrer: Descriptor) -> list[SignatureResult]:
        try:
            manifest = await self._manifest(wanted.image.repository, referrer.digest)
            if referrer.artifact_type == simplesigning.REFERRER:
                return await self._layers(wanted, manifest)
            layer = next((d for d in manifest.layers or () if d.media_type == bundle.BUNDLE), None)
            if layer is None:
                return [SignatureResult.malformed("its manifest has no bundle")]
            blob = await self._blob(wanted.image.repository, layer.digest)
        except Refused as error:
            return [SignatureResult.malformed(error.detail)]
        found = bundle.examine(blob, wanted.image.digest, wanted.keys, wanted.repository)
        return [found] if found else []

    async def _manifest(self, repository: str, digest: str) -> Manifest:
        """Of a signature; which signatures there are is asked each time."""
        place = f"{repository}@{digest}"
        if kept := self._manifests.get(place):
            return kept
        manifest = await self._registry.manifest(repository, digest)
        is_small = len(msgspec.json.encode(manifest)) <= KEPT_BYTES
        return self._manifests.keep(place, manifest) if is_digest(digest) and is_small else manifest

    async def _blob(self, repository: str, digest: str) -> bytes:
        place = f"{repository}@{digest}"
        if kept := self._blobs.get(place):
            return kept
        blob = await self._registry.blob(repository, digest)
        return self._blobs.keep(place, blob) if len(blob) <= KEPT_BYTES else blob
