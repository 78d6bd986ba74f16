"""Where an image is: which overlays pin it, now and before."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from bot.domain.errors import NotFound
from bot.domain.image import Image
from bot.domain.overlay import Commit, Overlay, OverlayImage
from bot.domain.promotion import Promotion
from bot.overlays.catalog import Catalog
from bot.overlays.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource, Registry
from bot.runtime.one_round import once

LOOK_BACK = 30
"""Commits of one overlay that are looked through."""
NEWEST = 5
"""of them are looked at first"""


Digests = Mapping[str, Mapping[str, str]]
"""commit → name of an entry → the digest that a promotion has put on record"""

Known = tuple[str, frozenset[str]]
NOTHING: frozenset[str] = frozenset()
UNKNOWN: Known = ("", NOTHING)


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
        async for commit, entries in self._versions(overlay, await self._history(overlay)):
            for entry in _of(image, entries):
                digest = recorded.get(commit.sha, {}).get(entry.name, "")
                if await self._is(entry, image, digest, commit.claimed(entry.repository)):
                    return True
        return False

    async def environments(self, app: str, image: Image) -> tuple[str, ...]:
        """Where the app's overlay pins it now, in promotion order; as far as the overlays can be read."""
        found = []
        for environment in self._catalog.environments:
            overlay = await self.overlay(app, environment.name)
            with suppress(KustomizationError):
                if overlay and await self.pinned(overlay, image):
                    found.append(environment.name)
        return tuple(found)

    async def _entries(self, overlay: Overlay, revision: str) -> tuple[OverlayImage, ...]:
        try:
            return _legible((await self._source.read([overlay.path], revision)).get(overlay.path), overlay)
        except NotFound:
            return ()

    async def _among(self, overlay: Overlay, entries: Iterable[OverlayImage], image: Image) -> bool:
        for entry in _of(image, entries):
            if await self._is(entry, image, *(UNKNOWN if entry.digest else await self._known(overlay, entry))):
                return True
        return False

    async def _history(self, overlay: Overlay) -> tuple[Commit, ...]:
        """Back from the commit that the listing is of, so nobody asks for the head once more."""
        at = (await self._catalog.listing()).commit
        key = ("history", overlay.path, at)
        return await once(key, lambda: self._source.history(overlay.path, LOOK_BACK, at))

    async def _versions(
        self, overlay: Overlay, commits: tuple[Commit, ...]
    ) -> AsyncIterator[tuple[Commit, tuple[OverlayImage, ...]]]:
        """What the overlay pinned at each, in two questions: mostly the newest ones say what is looked for."""
        for some in filter(None, (commits[:NEWEST], commits[NEWEST:])):
            contents = await self._source.versions(overlay.path, [commit.sha for commit in some])
            for commit in some:
                yield commit, _legible(contents.get(commit.sha), overlay)

    async def _known(self, overlay: Overlay, entry: OverlayImage) -> Known:
        """The digest that is on record for a tag that the overlay shows, and those that a message claims."""
        key = ("digest of a tag", overlay, entry, (await self._catalog.listing()).commit)
        return await once(key, lambda: self._looked_up(overlay, entry))

    async def _looked_up(self, overlay: Overlay, entry: OverlayImage) -> Known:
        recorded, claimed = await self._recorded(overlay), NOTHING
        telling = tuple(
            commit
            for commit in await self._history(overlay)
            if recorded.get(commit.sha, {}).get(entry.name) or commit.claimed(entry.repository)
        )
        async for commit, entries in self._versions(overlay, telling):
            if any(_same(entry, there) for there in entries):
                if digest := recorded.get(commit.sha, {}).get(entry.name, ""):
                    return digest, NOTHING
                claimed = claimed or commit.claimed(entry.repository)
        return "", claimed

    async def _is(self, entry: OverlayImage, image: Image, recorded: str, claimed: frozenset[str]) -> bool:
        if known := entry.digest or (recorded if entry.tag else ""):
            return known == image.digest
        if not entry.tag or (claimed and image.digest not in claimed):
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
                moves = (move for move in promotion.moves if move.overlay == overlay.path)
                recorded[promotion.commit.sha] = {move.name: move.after.digest for move in moves}
        return recorded


def _legible(content: bytes | None, overlay: Overlay) -> tuple[OverlayImage, ...]:
    """What nobody can read, or is not there, pins nothing."""
    try:
        return read_images(content, overlay.path) if content is not None else ()
    except KustomizationError:
        return ()


def _of(image: Image, entries: Iterable[OverlayImage]) -> list[OverlayImage]:
    return [entry for entry in entries if entry.repository == image.repository]


def _same(one: OverlayImage, other: OverlayImage) -> bool:
    return (one.name, one.repository, one.tag) == (other.name, other.repository, other.tag)
