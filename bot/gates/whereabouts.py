"""Where an image is: which overlays pin it, now and before."""

from collections.abc import Iterable

from bot.catalog import Catalog
from bot.domain.errors import NotFound
from bot.domain.image import Image
from bot.domain.overlay import Overlay, OverlayImage
from bot.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource, Registry

LOOK_BACK = 30
"""Commits of one overlay that are looked through."""


class Whereabouts:
    """A tag counts as the digest that it names now. Raises IntegrationError when git or the registry is away."""

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
        return await self._among(entries, image)

    async def pinned_at(self, overlay: Overlay, image: Image, revision: str) -> bool:
        """Whether the overlay pinned the image at a commit; one that is not in the repository pinned nothing."""
        try:
            contents = await self._source.read([overlay.path], revision)
            entries = read_images(contents[overlay.path], overlay.path) if overlay.path in contents else ()
        except (NotFound, KustomizationError):
            return False
        return await self._among(entries, image)

    async def was_pinned(self, overlay: Overlay, image: Image) -> bool:
        """Whether one of the overlay's newest commits pinned it."""
        for commit in await self._source.history(overlay.path, LOOK_BACK):
            if await self.pinned_at(overlay, image, commit.sha):
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

    async def _among(self, entries: Iterable[OverlayImage], image: Image) -> bool:
        for entry in entries:
            if entry.repository == image.repository and await self._digest(entry) == image.digest:
                return True
        return False

    async def _digest(self, entry: OverlayImage) -> str:
        if entry.digest or not entry.tag:
            return entry.digest
        try:
            return (await self._registry.artifact(entry.repository, entry.tag)).image.digest
        except NotFound:
            return ""
