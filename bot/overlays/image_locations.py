"""Where an image is: which overlays pin it, now and before."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from bot.domain.errors import NotFound
from bot.domain.image import Image
from bot.domain.overlay import Overlay, OverlayImage
from bot.domain.promotion import Promotion
from bot.overlays.catalog import Catalog
from bot.overlays.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource, Registry
from bot.runtime.one_round import once

LOOK_BACK = 30
"""Commits of one overlay that are looked through."""


Digests = Mapping[str, Mapping[str, str]]
"""commit → repository → the digest that a promotion has put on record"""


class DeploymentHistory(Protocol):
    async def history(self, app: str, environment: str, limit: int) -> tuple[Promotion, ...]: ...


class ImageLocations:
    """A tag counts as the digest that the promotion which set it has put on record, whatever it names by now.

    Where nothing is on record it counts as the digest that it names now, unless the commit's message names another
    one: a message is anybody's to write, so it may deny that an image was there, and never claim it. Raises
    IntegrationError when git or the registry is away.
    """

    def __init__(self, catalog: Catalog, source: OverlaySource, registry: Registry, record: DeploymentHistory) -> None:
        self._catalog = catalog
        self._source = source
        self._registry = registry
        self._record = record

    async def overlay(self, app: str, environment: str) -> Overlay | None:
        """None where the app has none."""
        return (await self._catalog.listing()).overlays.get((app, environment))

    async def pinned(self, overlay: Overlay, image: Image) -> bool:
        """Whether the overlay pins the image now."""
        entries = await self._catalog.images_at(await self._catalog.listing(), overlay)
        return await self._among(overlay, entries, image)

    async def pinned_at(self, overlay: Overlay, image: Image, revision: str) -> bool:
        """Whether the overlay pinned the image at a commit; one that is not in the repository pinned nothing."""
        return await self._among(overlay, await self._entries(overlay, revision), image)

    async def was_pinned(self, overlay: Overlay, image: Image) -> bool:
        """Whether one of the overlay's newest commits pinned it."""
        recorded = await self._recorded(overlay)
        for commit in await self._source.history(overlay.path, LOOK_BACK):
            for entry in _of(image, await self._entries(overlay, commit.sha)):
                digest = recorded.get(commit.sha, {}).get(entry.repository, "")
                if await self._is(entry, image, digest, commit.images.get(entry.repository, "")):
                    return True
        return False

    async def environments(self, app: str, image: Image) -> tuple[str, ...]:
        """Where the app's overlay pins it now, in promotion order."""
        found = []
        for environment in self._catalog.environments:
            overlay = await self.overlay(app, environment.name)
            if overlay and await self.pinned(overlay, image):
                found.append(environment.name)
        return tuple(found)

    async def _entries(self, overlay: Overlay, revision: str) -> tuple[OverlayImage, ...]:
        try:
            contents = await self._source.read([overlay.path], revision)
            return read_images(contents[overlay.path], overlay.path) if overlay.path in contents else ()
        except (NotFound, KustomizationError):
            return ()

    async def _among(self, overlay: Overlay, entries: Iterable[OverlayImage], image: Image) -> bool:
        for entry in _of(image, entries):
            if await self._is(entry, image, *(("", "") if entry.digest else await self._known(overlay, entry))):
                return True
        return False

    async def _known(self, overlay: Overlay, entry: OverlayImage) -> tuple[str, str]:
        """The digest that is on record for a tag that the overlay shows, and the one that a message claims."""
        recorded, claimed = await self._recorded(overlay), ""
        for commit in await self._source.history(overlay.path, LOOK_BACK):
            digest = recorded.get(commit.sha, {}).get(entry.repository, "")
            claim = claimed or commit.images.get(entry.repository, "")
            if not digest and claim == claimed:
                continue
            if any(_same(entry, there) for there in await self._entries(overlay, commit.sha)):
                if digest:
                    return digest, ""
                claimed = claim
        return "", claimed

    async def _is(self, entry: OverlayImage, image: Image, recorded: str, claimed: str) -> bool:
        if known := entry.digest or (recorded if entry.tag else ""):
            return known == image.digest
        if not entry.tag or (claimed and claimed != image.digest):
            return False
        try:
            key = ("artifact", entry.repository, entry.tag)
            named = await once(key, lambda: self._registry.artifact(entry.repository, entry.tag))
        except NotFound:
            return False
        return named.image.digest == image.digest

    async def _recorded(self, overlay: Overlay) -> Digests:
        recorded: dict[str, dict[str, str]] = {}
        for promotion in await self._record.history(overlay.app, overlay.environment, LOOK_BACK):
            if promotion.commit:
                moves = (move.after for move in promotion.moves if move.overlay == overlay.path)
                recorded[promotion.commit.sha] = {image.repository: image.digest for image in moves}
        return recorded


def _of(image: Image, entries: Iterable[OverlayImage]) -> list[OverlayImage]:
    return [entry for entry in entries if entry.repository == image.repository]


def _same(one: OverlayImage, other: OverlayImage) -> bool:
    return (one.name, one.repository, one.tag) == (other.name, other.repository, other.tag)
