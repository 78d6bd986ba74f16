"""What people call images that an overlay pins by digest alone."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.domain.errors import IntegrationError
from bot.domain.overlay import OverlayImage
from bot.ports import Registry

MOST = 60
"""images that are looked up for one answer; the rest keep their digests"""


class Tags:
    """For showing only: what is written and compared stays the digest."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def named(self, images: Iterable[OverlayImage]) -> Mapping[OverlayImage, OverlayImage]:
        """Each image, with its tag where the registry tells one."""
        each = list(dict.fromkeys(images))
        unnamed = [image for image in each if image.digest and not image.tag][:MOST]
        tags = await asyncio.gather(*(self._tag(image) for image in unnamed))
        known = dict(zip(unnamed, tags, strict=True))
        return {image: replace(image, tag=known.get(image) or image.tag) for image in each}

    async def _tag(self, image: OverlayImage) -> str:
        try:
            return next(iter((await self._registry.artifact(image.repository, image.digest)).tags), "")
        except IntegrationError:
            return ""  # the digest says it, if less well
