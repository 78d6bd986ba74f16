"""Looking for an image's signatures where cosign puts them."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from bot.domain.errors import NotFound, Refused
from bot.domain.image import Image
from bot.domain.signature import SignatureCheck, SignatureState
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
    """The port Signatures, over any registry. Both places are looked in, because both are in use (C4)."""

    def __init__(self, registry: Contents) -> None:
        self._registry = registry

    async def check(self, image: Image, keys: Mapping[str, str]) -> SignatureCheck:
        """Raises Refused for a key that is not a PEM public key."""
        trusted = Keys(keys)
        legacy, bundles = await asyncio.gather(self._legacy(image, trusted), self._bundles(image, trusted))
        return verdict([*legacy, *bundles])

    async def _legacy(self, image: Image, keys: Keys) -> list[Found]:
        try:
            manifest = await self._registry.manifest(image.repository, signature_tag(image.digest))
        except NotFound:
            return []
        layers = [d for d in manifest.layers or () if d.media_type == simplesigning.LAYER]
        return [await self._layer(image, layer, keys) for layer in layers[-MOST:]]

    async def _layer(self, image: Image, layer: Descriptor, keys: Keys) -> Found:
        try:
            payload = await self._registry.blob(image.repository, layer.digest)
        except Refused as error:
            return Found.malformed(error.detail)
        return simplesigning.examine(payload, layer.annotations or {}, image.digest, keys)

    async def _bundles(self, image: Image, keys: Keys) -> list[Found]:
        referrers = await self._registry.referrers(image.repository, image.digest, bundle.BUNDLE)
        found = [await self._bundle(image, referrer, keys) for referrer in referrers[-MOST:]]
        return [f for f in found if f]

    async def _bundle(self, image: Image, referrer: Descriptor, keys: Keys) -> Found | None:
        try:
            manifest = await self._registry.manifest(image.repository, referrer.digest)
            layer = next((d for d in manifest.layers or () if d.media_type == bundle.BUNDLE), None)
            if layer is None:
                return Found(SignatureState.MALFORMED, detail="its manifest has no bundle")
            blob = await self._registry.blob(image.repository, layer.digest)
        except Refused as error:
            return Found.malformed(error.detail)
        return bundle.examine(blob, image.digest, keys)
