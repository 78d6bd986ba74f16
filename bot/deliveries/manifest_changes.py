"""Whether what an Application is made from is the same at two commits. In doubt it is not."""

import re
from collections import OrderedDict
from collections.abc import Collection, Iterable

from bot.domain.application import Application
from bot.domain.errors import Refused
from bot.domain.source import Source, directory_of
from bot.overlays.built_images import BuiltImages, is_within
from bot.overlays.kustomization import FILE_NAMES, KustomizationError, UndecidedBuild
from bot.ports import OverlaySource

VERSION = re.compile(r"v?\d+\.\d+\.\d+")
"""of a chart, and no range of versions"""
REMEMBERED = 50
"""pairs of commits: what drifts together mostly stands between the same two"""


class ManifestChanges:
    """Raises IntegrationError when the repository cannot be asked, or does not know a commit."""

    def __init__(self, source: OverlaySource) -> None:
        self._source = source
        self._built = BuiltImages(source)
        self._differing: OrderedDict[tuple[str, str], frozenset[str]] = OrderedDict()

    async def unchanged(self, app: Application, since: Iterable[str]) -> bool:
        """Whether all of these commits hold the same for it as the one that it was compared with."""
        before = frozenset(since) - {app.revision}
        if len(app.sources) > 1 and (before or not _only_one_moves(app.sources)):
            return False  # the commits of the other sources are not known
        if not before:
            return True
        differing = frozenset[str]().union(*[await self._differ(one, app.revision) for one in before])
        return not differing or await self._unaffected(app, differing)

    async def _unaffected(self, app: Application, differing: frozenset[str]) -> bool:
        source = next(iter(app.sources), None)
        if source is None or source.chart or source.plain:
            return False
        directory = directory_of(source.path)
        if _any_within(differing, {directory}):  # nothing need be read
            return False
        try:
            return not _any_within(differing, await self._roots(directory, app.revision))
        except (UndecidedBuild, KustomizationError, Refused):
            return False

    async def _roots(self, directory: str, at: str) -> frozenset[str]:
        """As `BuiltImages.roots`, of the one kustomization in a directory."""
        there = await self._source.read([f"{directory}/{name}" for name in FILE_NAMES], at)
        if len(there) != 1:
            raise UndecidedBuild(f"{directory} has {len(there)} kustomizations")
        return await self._built.roots(next(iter(there)), at)

    async def _differ(self, before: str, after: str) -> frozenset[str]:
        if (known := self._differing.get((before, after))) is not None:
            return known
        try:
            found = frozenset(one.path for one in await self._source.differences(before, after))
        except Refused:  # more than can be told
            old, new = await self._source.paths(before), await self._source.paths(after)
            found = frozenset(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
        self._differing[before, after] = found
        while len(self._differing) > REMEMBERED:
            self._differing.popitem(last=False)
        return found


def _only_one_moves(sources: Iterable[Source]) -> bool:
    """Whether `Application.revision` tells of every source: the others are charts of one version."""
    moving = {(one.repository, one.revision) for one in sources if not (one.chart and VERSION.fullmatch(one.revision))}
    return len(moving) == 1


def _any_within(paths: Iterable[str], roots: Collection[str]) -> bool:
    return any(is_within(path, roots) for path in paths)
