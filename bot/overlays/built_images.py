"""Whether an entry of `images:` has anything to change: asked before a commit, of the files at a revision."""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from posixpath import dirname

import structlog

from bot.domain.errors import Refused
from bot.domain.overlay import OverlayImage
from bot.overlays.kustomization import (
    FILE_NAMES,
    ImagesFound,
    KustomizationError,
    UndecidedBuild,
    images_found,
    matches,
    name_of,
    references,
    unread,
)
from bot.ports import OverlaySource

log = structlog.get_logger(__name__)

MOST_FILES = 200
MOST_BYTES = 256 * 1024
MOST_LAYER_BYTES = 48 * 1024
"""of kustomization files: reading them holds the event loop up, a second for each 50 KiB"""
REMEMBERED = 10_000
"""references whose file is known"""
NAMED = 5
"""images that a sentence names"""


class BuiltImages:
    """Raises Unavailable when the repository cannot be asked."""

    def __init__(self, source: OverlaySource) -> None:
        self._source = source
        self._where: OrderedDict[str, str] = OrderedDict()

    async def check(self, entries: Iterable[tuple[str, str]], at: str) -> None:
        """Raises KustomizationError for an entry that no image of what its overlay is built from fits, or that changes
        one of another name as well.

        `entries`: the path of the overlay, and the name of the entry.

        Where the files do not say, because a base is in another repository for example, it passes: whether the image
        runs is checked after the commit in any case.
        """
        by_overlay: dict[str, list[str]] = {}
        for overlay, name in entries:
            by_overlay.setdefault(overlay, []).append(name)
        every = await asyncio.gather(*(self.found(overlay, at) for overlay in by_overlay))
        for (overlay, names), found in zip(by_overlay.items(), every, strict=True):
            if found is None or not found.possible:
                continue
            for entry in found.entries:
                if entry.name in names:
                    _check(overlay, entry, found)

    async def found(self, overlay: str, at: str) -> ImagesFound | None:
        """What `images:` finds there; None where the files do not say."""
        try:
            return images_found(await self.files(overlay, at), overlay)
        except (UndecidedBuild, Refused) as why:
            log.debug("overlay.not_told", overlay=overlay, why=str(why))
            return None

    async def files(self, overlay: str, at: str) -> Mapping[str, bytes]:
        """All that it is built from, layer by layer: mostly two reads. Raises UndecidedBuild."""
        files = dict(await self._source.read([overlay], at))
        if overlay not in files:
            raise UndecidedBuild(f"{overlay} is not there")
        while missing := self._unread(overlay, files):
            read = await self._resolved(missing, at)
            if missing.keys() - read.keys():
                raise UndecidedBuild(
                    f"{sorted(missing.keys() - read.keys())[0]} is not there, or not in this repository"
                )
            files |= {path: body for found in read.values() for path, body in found.items()}
        return files

    async def roots(self, overlay: str, at: str) -> frozenset[str]:
        """Every file and directory that it is built from, bases of bases too.

        Raises UndecidedBuild where the files do not say (a base in another repository, a chart); KustomizationError.
        """
        files = await self.files(overlay, at)
        layers = {path: content for path, content in files.items() if path.rpartition("/")[2] in FILE_NAMES}
        beside = {root for path, content in layers.items() for root in (dirname(path), *references(content, path))}
        return frozenset({*files, *beside})

    async def fingerprint(self, overlay: str, files: Mapping[str, str], at: str) -> str:
        """The same as long as all that it is built from is; where the files do not say, only at this one commit.

        `files`: of every file at the commit the id of its content, by path.
        """
        try:
            roots = await self.roots(overlay, at)
        except (UndecidedBuild, KustomizationError, Refused) as why:
            log.debug("overlay.not_told", overlay=overlay, why=str(why))
            return at
        mine = sorted((path, id) for path, id in files.items() if is_within(path, roots))
        return hashlib.sha256(json.dumps(mine).encode()).hexdigest()

    def _unread(self, overlay: str, files: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
        layers = sum(len(body) for path, body in files.items() if path.endswith(FILE_NAMES))
        if len(files) > MOST_FILES or sum(map(len, files.values())) > MOST_BYTES or layers > MOST_LAYER_BYTES:
            raise UndecidedBuild(f"{overlay} is built from too much")
        return unread(files)

    async def _resolved(self, references: Mapping[str, tuple[str, ...]], at: str) -> dict[str, dict[str, bytes]]:
        """The files by reference: first where they were the last time, for asking for what is not there may be slow."""
        known = {each: (self._where[each],) for each in references if self._where.get(each) in references[each]}
        found = await self._read(known, at) if known else {}
        rest = {each: paths for each, paths in references.items() if each not in found}
        found |= await self._read(rest, at) if rest else {}
        for reference, files in found.items():
            self._where[reference] = next(iter(files))
            self._where.move_to_end(reference)
        while len(self._where) > REMEMBERED:
            self._where.popitem(last=False)
        return found

    async def _read(self, references: Mapping[str, tuple[str, ...]], at: str) -> dict[str, dict[str, bytes]]:
        bodies = await self._source.read(list(dict.fromkeys(p for paths in references.values() for p in paths)), at)
        found = {each: {p: bodies[p] for p in paths if p in bodies} for each, paths in references.items()}
        return {reference: files for reference, files in found.items() if files}


def is_within(path: str, roots: Iterable[str]) -> bool:
    """Whether it is a root, or lies in one; "" is the whole repository."""
    return any(not root or path == root or path.startswith(f"{root}/") for root in roots)


def _check(overlay: str, entry: OverlayImage, found: ImagesFound) -> None:
    if not any(matches(image, entry.name) for image in found.possible):
        there = sorted({name_of(image) for image in found.possible})
        more = " and others" if len(there) > NAMED else ""
        raise KustomizationError(
            f"The entry {entry.name} of `images:` in {overlay} changes nothing: no container that the overlay is built "
            f"from has that image. They have {', '.join(there[:NAMED])}{more}, by a base, a component or a patch. "
            "Put the name that they have into the entry."
        )
    others = sorted({name_of(image) for image in found.sure if matches(image, entry.name)} - {entry.name})
    if others and entry.repository == entry.name:
        raise KustomizationError(
            f"The entry {entry.name} of `images:` in {overlay} changes {others[0]} too, which is another image: "
            "kustomize takes its dots for any character. Name the image that runs in the entry, or remove that one "
            "from what the overlay is built from."
        )
