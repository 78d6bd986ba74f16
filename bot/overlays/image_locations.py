"""Where an image is: which overlays pin it, now and before."""

from collections.abc import Iterable

from bot.domain.errors import NotFound
from bot.domain.image import Image
from bot.domain.overlay import Overlay, OverlayImage
from bot.overlays.catalog import Catalog
from bot.overlays.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource, Registry

LOOK_BACK = 30
"""Commits of one overlay that are looked through."""


class ImageLocations:
    """A tag counts as the digest that the commit which set it has put on record, whatever it names by now.

    Where nothing is on record it counts as the digest that it names now. Raises IntegrationError when git or the
    registry is away.
    """

    def __init__(self, catalog: Catalog, source: OverlaySource, registry: Registry) -> None:
        self._catalog = catalog
        self._source = source
        self._registry = registry

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
        for commit in await self._source.history(overlay.path, LOOK_BACK):
            entries = await self._entries(overlay, commit.sha)
            if await self._among(overlay, entries, image, commit.images.get(image.repository, "")):
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

    async def _among(self, overlay: Overlay, entries: Iterable[OverlayImage], image: Image, recorded: str = "") -> bool:
        """`recorded`: the digest that the commit of these entries has put on record, where it has."""
        for entry in entries:
            if entry.repository != image.repository:
                continue
            digest = entry.digest or (recorded if entry.tag else "") or await self._digest(overlay, entry)
            if digest == image.digest:
                return True
        return False

    async def _digest(self, overlay: Overlay, entry: OverlayImage) -> str:
        if not entry.tag:
            return ""
        for commit in await self._source.history(overlay.path, LOOK_BACK):
            if recorded := commit.images.get(entry.repository):
                there = await self._entries(overlay, commit.sha)
                if any((e.name, e.repository, e.tag) == (entry.name, entry.repository, entry.tag) for e in there):
                    return recorded
        try:
            return (await self._registry.artifact(entry.repository, entry.tag)).image.digest
        except NotFound:
            return ""
