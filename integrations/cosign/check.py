"""Looking for an image's signatures where cosign puts them."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from bot.domain.errors import NotFound, Refused
from bot.domain.image import Image
from bot.domain.signature import SignatureCheck
from integrations.cosign import bundle, simplesigning
from integrations.cosign.keys import Keys
from integrations.cosign.verdict import Found, verdict
from integrations.oci.names import signature_tag
from integrations.oci.wire import Descriptor, Manifest

MOST = 50
"""signatures of one image that are looked at"""


class Contents(Protocol):
    """What is needed of a registry."""

    async def manifest(self, repository: str, reference: str) -> Manifest: ...

    async def blob(self, repository: str, digest: str) -> bytes: ...

    async def referrers(self, repository: str, digest: str, artifact_type: str = "") -> tuple[Descriptor, ...]: ...


class Cosign:
    """The port Signatures, over any registry. All places are looked in, because all are in use (C4)."""

    def __init__(self, registry: Contents) -> None:
        self._registry = registry

    async def check(self, image: Image, keys: Mapping[str, str]) -> SignatureCheck:
        """Raises Refused for a key that is not a PEM public key."""
        trusted = Keys(keys)
        tagged, referring = await asyncio.gather(self._tagged(image, trusted), self._referring(image, trusted))
        return verdict([*tagged, *referring])

    async def _tagged(self, image: Image, keys: Keys) -> list[Found]:
        try:
            manifest = await self._registry.manifest(image.repository, signature_tag(image.digest))
        except NotFound:
            return []
        return await self._layers(image, manifest, keys)

    async def _layers(self, image: Image, manifest: Manifest, keys: Keys) -> list[Found]:
        layers = [d for d in manifest.layers or () if d.media_type == simplesigning.LAYER]
        return [await self._layer(image, layer, keys) for layer in layers[-MOST:]]

    async def _layer(self, image: Image, layer: Descriptor, keys: Keys) -> Found:
        try:
            payload = await self._registry.blob(image.repository, layer.digest)
        except Refused as error:
            return Found.malformed(error.detail)
        return simplesigning.examine(payload, layer.annotations or {}, image.digest, keys)

    async def _referring(self, image: Image, keys: Keys) -> list[Found]:
        referrers = await self._registry.referrers(image.repository, image.digest)
        signatures = [r for r in referrers if r.artifact_type in (bundle.BUNDLE, simplesigning.REFERRER)]
        return [f for referrer in signatures[-MOST:] for f in await self._referrer(image, referrer, keys)]

    async def _referrer(self, image: Image, referrer: Descriptor, keys: Keys) -> list[Found]:
        try:
            manifest = await self._registry.manifest(image.repository, referrer.digest)
            if referrer.artifact_type == simplesigning.REFERRER:
                return await self._layers(image, manifest, keys)
            layer = next((d for d in manifest.layers or () if d.media_type == bundle.BUNDLE), None)
            if layer is None:
                return [Found.malformed("its manifest has no bundle")]
            blob = await self._registry.blob(image.repository, layer.digest)
        except Refused as error:
            return [Found.malformed(error.detail)]
        found = bundle.examine(blob, image.digest, keys)
        return [found] if found else []
