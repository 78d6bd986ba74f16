"""Which apps there are, in which environments: discovered from the overlay repository, named as policy says."""

import asyncio
import posixpath
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from bot.domain.environment import Environment
from bot.domain.errors import Refused, UnknownName
from bot.domain.overlay import Overlay, OverlayImage
from bot.domain.sentence import quoted
from bot.overlays.built_images import BuiltImages
from bot.overlays.kustomization import FILE_NAMES, KustomizationError, read_images
from bot.overlays.legible import LegibleImages, ParsedOverlays, beside
from bot.policy import Policy
from bot.ports import OverlaySource
from bot.runtime.one_round import once
from bot.runtime.spelling import nearest

MANIFESTS = (".yaml", ".yml", "/Kustomization")
MOST_BESIDE = 40
"""files of one app"""
PAUSE_AFTER = 1000
"""files, for the event loop's sake: ten thousand overlays hold it for 30 ms, and each has files beside it"""
NAME = r"[^/\ud800-\udfff]+"
"""of an app: git keeps bytes that are no text, which nobody can type, show or write down"""
FRESH_SECONDS = 5.0
"""How long a listing serves before the branch is asked again. Plans never use an old one."""


@dataclass(frozen=True)
class Listing:
    """Every overlay at one commit."""

    commit: str
    overlays: Mapping[tuple[str, str], Overlay]
    doubled: Mapping[Overlay, str] = field(default_factory=dict)
    """the overlays whose directory holds a second kustomization file, and that file: kustomize builds neither"""
    files: Mapping[str, str] = field(default_factory=dict)
    """of every file the id of its content, by path"""

    @cached_property
    def apps(self) -> tuple[str, ...]:
        return tuple(sorted({app for app, _ in self.overlays}))


class Catalog:
    """Raises UnknownName, with what is near, for names that nothing has; IntegrationError from the repository."""

    def __init__(
        self,
        source: OverlaySource,
        policy: Policy,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
        parsed: ParsedOverlays | None = None,
    ) -> None:
        self.built = BuiltImages(source)
        self._source = source
        self._policy = policy
        self._clock = clock
        self._fresh_seconds = fresh_seconds
        self._pattern = overlay_pattern(policy.overlays.path)
        self._directories = directory_pattern(policy.overlays.path)
        self._listing: Listing | None = None
        self._asked_at = 0.0
        self._legible = LegibleImages(source, parsed)
        self._warm = False
        """whether a plan was made: what overlays pin is in git's cache by then"""

    @property
    def environments(self) -> tuple[Environment, ...]:
        return self._policy.environments

    def environment(self, word: str) -> Environment:
        """By name or alias, in any case."""
        for environment in self.environments:
            if environment.answers_to(word):
                return environment
        words = [w for e in self.environments for w in (e.name, *e.aliases)]
        raise UnknownName(f"There is no environment {quoted(word)}.{nearest(word, words, 'Environments')}")

    def before(self, environment: Environment) -> Environment | None:
        """The environment that images come from; None for the first."""
        return self.environments[environment.order - 1] if environment.order else None

    async def apps(self) -> tuple[str, ...]:
        return (await self.listing()).apps

    async def overlay(self, app: str, environment: str) -> Overlay:
        return self.find(await self.listing(), app, environment)

    def find(self, listing: Listing, app: str, environment: str) -> Overlay:
        """The overlay of an app in an environment, in a given listing."""
        overlay = listing.overlays.get((app, environment))
        if overlay:
            return overlay
        if app not in listing.apps:
            raise UnknownName(f"There is no app {quoted(app)}.{nearest(app, listing.apps, 'Apps')}")
        has = [e.name for e in self.environments if (app, e.name) in listing.overlays]
        raise UnknownName(
            f"{app} has no overlay for {environment} (it has {', '.join(has)}): "
            f"add {self._policy.overlay_directory(app, environment)}/kustomization.yaml."
        )

    async def images(self, app: str, environment: str) -> tuple[OverlayImage, ...]:
        """What an overlay pins, as it is written now."""
        listing = await self.listing()
        return await self.images_at(listing, self.find(listing, app, environment))

    async def images_at(self, listing: Listing, overlay: Overlay, *, planned: bool = False) -> tuple[OverlayImage, ...]:
        return (await self.all_images_at(listing, [overlay], planned=planned))[overlay]

    async def all_images_at(
        self, listing: Listing, overlays: Iterable[Overlay], *, planned: bool = False
    ) -> dict[Overlay, tuple[OverlayImage, ...]]:
        """For many overlays in one read. `planned`: `read_beside` follows, and at a start all of it is one read."""
        wanted = tuple(overlays)
        beside = self._beside(listing, wanted) if planned and not self._warm else []
        contents = await self._source.read([*(overlay.path for overlay in wanted), *beside], listing.commit)
        self._warm = self._warm or planned
        return {overlay: _read(listing, overlay, contents) for overlay in wanted}

    async def legible_images_at(
        self, listing: Listing, overlays: Iterable[Overlay]
    ) -> tuple[Mapping[str, tuple[OverlayImage, ...]], Mapping[str, str]]:
        """Like `all_images_at`, by path, and of those that cannot be read, why: one broken file hides no other.

        May tell of other overlays of that commit as well.
        """
        found = await self._legible.at(listing.commit, listing.files, overlays, listing.doubled)
        return found.images, found.broken

    def known_environments(self, app: str) -> frozenset[str]:
        """Those in which it has an overlay by the newest listing, however old that is; none before the first."""
        overlays = self._listing.overlays if self._listing else {}
        return frozenset(each.name for each in self.environments if (app, each.name) in overlays)

    async def listing(self, *, fresh: bool = False) -> Listing:
        """Every overlay at the branch's head; at most `fresh_seconds` old unless `fresh`."""
        if not fresh and self._listing and self._clock() - self._asked_at < self._fresh_seconds:
            return self._listing
        commit = await once(("head", id(self._source)), self._source.head)
        if self._listing is None or self._listing.commit != commit:
            files = await self._source.paths(commit)
            self._listing = Listing(commit, *await self._overlays(files), files)
        self._asked_at = self._clock()
        return self._listing

    async def read_beside(self, listing: Listing, overlays: Iterable[Overlay]) -> None:
        """What overlays are built from, so that git's cache has it when `built` asks; other questions go on meanwhile.

        At a start nothing is there, and `all_images_at` reads it along with the overlays.
        """
        if self._warm:
            with suppress(Refused):  # then nobody knows what is built
                await self._source.read(self._beside(listing, tuple(overlays)), listing.commit)

    def _beside(self, listing: Listing, overlays: tuple[Overlay, ...]) -> list[str]:
        """The files of the apps' own directories that an overlay may be built from; none where they are too many."""
        above, found, _ = self._policy.overlays.path.strip("/").partition("{app}")
        if not found or "{environment}" in above:
            return []
        apps, here = {overlay.app for overlay in overlays}, {posixpath.dirname(overlay.path) for overlay in overlays}
        start, known = len(above), {overlay.path for overlay in overlays}
        near = (path for path in listing.files if path.startswith(above) and path.endswith(MANIFESTS))
        own = [path for path in near if path[start:].partition("/")[0] in apps and path not in known]
        mine = [path for path in own if posixpath.dirname(path) in here or not self._directories.fullmatch(path)]
        return mine if len(mine) <= MOST_BESIDE * len(apps) else []

    async def _overlays(self, paths: Iterable[str]) -> tuple[dict[tuple[str, str], Overlay], dict[Overlay, str]]:
        known = {environment.name for environment in self.environments}
        overlays: dict[tuple[str, str], Overlay] = {}
        doubled: dict[Overlay, str] = {}
        for number, match in enumerate(map(self._pattern.fullmatch, paths), 1):
            if number % PAUSE_AFTER == 0:
                await asyncio.sleep(0)
            if match is None or match["environment"] not in known:
                continue
            overlay = Overlay(match["app"], match["environment"], match.string)
            first = overlays.setdefault((overlay.app, overlay.environment), overlay)
            if first is not overlay:
                doubled[first] = overlay.path
        return overlays, doubled


def _read(listing: Listing, overlay: Overlay, contents: Mapping[str, bytes]) -> tuple[OverlayImage, ...]:
    """Raises KustomizationError."""
    if other := listing.doubled.get(overlay):
        raise KustomizationError(beside(overlay, other))
    return read_images(contents[overlay.path], overlay.path)


def overlay_pattern(template: str) -> re.Pattern[str]:
    """The regular expression of the kustomization files that `apps/{app}/overlays/{environment}` means."""
    return re.compile(_directories(template) + "/(?:" + "|".join(map(re.escape, FILE_NAMES)) + ")")


def directory_pattern(template: str) -> re.Pattern[str]:
    """The regular expression of every file in the overlays' directories, at any depth."""
    return re.compile(_directories(template) + "/.+", re.DOTALL)


def app_pattern(template: str) -> re.Pattern[str] | None:
    """The regular expression of every file under an app's own directory; None where environments lie above apps."""
    above, found, _ = template.strip("/").partition("{app}")
    if not found or "{environment}" in above:
        return None
    return re.compile(re.escape(above) + f"(?P<app>{NAME})/.+", re.DOTALL)


def _directories(template: str) -> str:
    parts = re.split(r"(\{app\}|\{environment\})", template.strip("/"))
    seen: set[str] = set()
    pattern = ""
    for part in parts:
        name = part[1:-1]
        if part not in ("{app}", "{environment}"):
            pattern += re.escape(part)
        elif name in seen:
            pattern += f"(?P={name})"
        else:
            seen.add(name)
            pattern += f"(?P<{name}>{NAME})"
    return pattern
