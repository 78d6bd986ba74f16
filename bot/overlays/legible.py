"""What very many overlays pin: each content is parsed once, in this process and in those after it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.overlay import Overlay, OverlayImage
from bot.overlays.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource

PAUSE_AFTER = 20
"""overlays that are parsed, for the event loop's sake"""
SPARE = 1000
"""contents that are remembered beyond twice as many as there are files"""
Images = tuple[OverlayImage, ...]


class ParsedOverlays(Protocol):
    """What was parsed before, by the id of the content: ten thousand overlays take eight seconds."""

    async def all(self) -> Mapping[str, Images]: ...

    async def of_others(self) -> frozenset[str]:
        """The contents that other versions of Pilothouse have parsed."""
        ...

    async def change(self, new: Mapping[str, Images], gone: Iterable[str]) -> None: ...


@dataclass
class Legible:
    """What the overlays pin at one commit, by path, as far as somebody asked; of those that cannot be read, why."""

    commit: str
    images: dict[str, Images] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


class LegibleImages:
    """`parsed` is None where nothing is kept."""

    def __init__(self, source: OverlaySource, parsed: ParsedOverlays | None = None) -> None:
        self._source = source
        self._parsed = parsed
        self._kept: set[str] | None = None
        """the contents that `parsed` has; None until it was asked"""
        self._of_others: frozenset[str] = frozenset()
        self._by_content: dict[str, Images] = {}
        self._broken: dict[tuple[str, str], str] = {}
        """by path and content"""
        self._last = Legible("")

    async def at(
        self, commit: str, files: Mapping[str, str], overlays: Iterable[Overlay], doubled: Mapping[Overlay, str]
    ) -> Legible:
        """`files`: the id of each file's content then; `doubled` as of the listing. May tell of more overlays."""
        if self._last.commit != commit:
            self._last = Legible(commit)
            self._forget(files)
        legible = self._last
        wanted = [overlay for overlay in overlays if overlay.path not in legible.images]
        if not wanted:
            return legible
        first = self._kept is None
        await self._remember()
        known, broken = self._by_content, self._broken  # somebody at another commit may forget them meanwhile
        await self._parse(commit, files, [one for one in wanted if one not in doubled])
        for overlay in wanted:
            content = files[overlay.path]
            why = beside(overlay, doubled[overlay]) if overlay in doubled else broken.get((overlay.path, content))
            if why:
                legible.broken[overlay.path] = why
            legible.images[overlay.path] = () if why else known[content]
        await self._keep(files if first else None)
        return legible

    async def _remember(self) -> None:
        if self._kept is None:
            known = await self._parsed.all() if self._parsed else {}
            self._of_others = await self._parsed.of_others() if self._parsed else frozenset()
            self._by_content.update(known)
            self._kept = set(known)

    async def _parse(self, commit: str, files: Mapping[str, str], overlays: Iterable[Overlay]) -> None:
        """Only what nobody has read yet is read."""
        known, broken = self._by_content, self._broken
        unread = [o.path for o in overlays if files[o.path] not in known and (o.path, files[o.path]) not in broken]
        contents = await self._source.read(unread, commit) if unread else {}
        for number, path in enumerate(unread, 1):
            if files[path] in known:
                continue  # the same as another's
            try:
                known[files[path]] = read_images(contents[path], path)
            except KustomizationError as error:
                broken[path, files[path]] = error.sentence
            if number % PAUSE_AFTER == 0:
                await asyncio.sleep(0)

    def _forget(self, files: Mapping[str, str]) -> None:
        """What no file says now, when most of it is that."""
        if len(self._by_content) + len(self._broken) > 2 * len(files) + SPARE:
            there = set(files.values())
            self._by_content = {content: found for content, found in self._by_content.items() if content in there}
            self._broken = {}

    async def _keep(self, every: Mapping[str, str] | None) -> None:
        """What is new; `every` content that there is, where the rest may be forgotten."""
        if self._parsed is None or self._kept is None:
            return
        gone = (self._kept | self._of_others) - set(every.values()) if every is not None else set()
        new = {content: found for content, found in self._by_content.items() if content not in self._kept}
        if new or gone:
            await self._parsed.change(new, gone)
            self._kept = (self._kept | new.keys()) - gone


def beside(overlay: Overlay, other: str) -> str:
    """Why an overlay with two files is not one, for people."""
    return f"Beside {overlay.path} there is {other}: kustomize builds neither. Remove one of them."
