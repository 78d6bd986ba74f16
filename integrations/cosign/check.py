"""Looking for an image's signatures where cosign puts them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Wanted:
    """What is asked: signed by one of the keys, and where `repository` is not "", for that repository."""

    image: Image
    keys: Keys
    repository: str = ""


class Contents(Protocol):
    """What is needed of a registry."""

    async def manifest(self, repository: str, reference: str) -> Manifest: ...

    async def blob(self, repository: str, digest: str) -> bytes: ...

    async def referrers(self, repository: str, digest: str, artifact_type: str = "") -> tuple[Descriptor, ...]: ...


class Cosign:
    """The port Signatures, over any registry. All places are looked in, because all are in use (C4)."""

    def __init__(self, registry: Contents) -> None:
        self._registry = registry

    async def check(self, image: Image, keys: Mapping[str, str], *, own_repository: bool = False) -> SignatureCheck:
        """Raises Refused for a key that is not a PEM public key."""
        wanted = Wanted(image, Keys(keys), image.repository if own_repository else "")
        tagged, referring = await asyncio.gather(self._tagged(wanted), self._referring(wanted))
        return verdict([*tagged, *referring])

    async def _tagged(self, wanted: Wanted) -> list[Found]:
        try:
            manifest = await self._registry.manifest(wanted.image.repository, signature_tag(wanted.image.digest))
        except NotFound:
            return []
        return await self._layers(wanted, manifest)

    async def _layers(self, wanted: Wanted, manifest: Manifest) -> list[Found]:
        layers = [d for d in manifest.layers or () if d.media_type == simplesigning.LAYER]
        return [await self._layer(wanted, layer) for layer in layers[-MOST:]]

    async def _layer(self, wanted: Wanted, layer: Descriptor) -> Found:
        try:
            payload = await self._registry.blob(wanted.image.repository, layer.digest)
        except Refused as error:
            return Found.malformed(error.detail)
        return simplesigning.examine(
            payload, layer.annotations or {}, wanted.image.digest, wanted.keys, wanted.repository
        )

    async def _referring(self, wanted: Wanted) -> list[Found]:
        referrers = await self._registry.referrers(wanted.image.repository, wanted.image.digest)
        signatures = [r for r in referrers if r.artifact_type in (bundle.BUNDLE, simplesigning.REFERRER)]
        return [f for referrer in signatures[-MOST:] for f in await self._referrer(wanted, referrer)]

    async def _referrer(self, wanted: Wanted, referrer: Descriptor) -> list[Found]:
        try:
            manifest = await self._registry.manifest(wanted.image.repository, referrer.digest)
            if referrer.artifact_type == simplesigning.REFERRER:
                return await self._layers(wanted, manifest)
            layer = next((d for d in manifest.layers or () if d.media_type == bundle.BUNDLE), None)
            if layer is None:
                return [Found.malformed("its manifest has no bundle")]
            blob = await self._registry.blob(wanted.image.repository, layer.digest)
        except Refused as error:
            return [Found.malformed(error.detail)]
        found = bundle.examine(blob, wanted.image.digest, wanted.keys, wanted.repository)
        return [found] if found else []
