"""What the commits of the overlay branch have changed, read from the files themselves."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.delivery import ImageChange
from bot.domain.errors import Refused
from bot.domain.overlay import Commit, OverlayImage
from bot.overlays.catalog import app_pattern, directory_pattern
from bot.overlays.kustomization import FILE_NAMES, KustomizationError, read_images, references
from bot.policy import Policy
from bot.ports import OverlaySource

WINDOW = 1000
"""commits back to which the branch is followed; what lies further back is taken as one step"""
FIRST_WINDOW = 60
MOST_PATHS = 5

KnownImages = Mapping[tuple[str, str], Mapping[str, OverlayImage | None]]
"""by app and environment, what entries pin; None for one that is not there"""


@dataclass(frozen=True)
class BranchStep:
    """One step of the branch: a commit on it, and the commit that it was at before.

    `gap`: more than one commit lies between, and nobody can say which of them changed what.
    """

    commit: Commit
    before: str
    gap: bool = False


@dataclass(frozen=True)
class OverlayChange:
    """One overlay, at two commits."""

    app: str
    environment: str
    path: str
    images: tuple[ImageChange, ...]
    paths: tuple[str, ...]
    unreadable: bool = False
    """at the later commit: then `images` is empty, and the file is among the `paths`"""


class OverlayChanges:
    """Raises IntegrationError when the repository cannot be asked."""

    def __init__(self, source: OverlaySource, policy: Policy) -> None:
        self._source = source
        self._pattern: re.Pattern[str] = directory_pattern(policy.overlays.path)
        self._policy = policy
        self._of_app = app_pattern(policy.overlays.path)
        self._ordered = [environment.name for environment in policy.environments]
        self._environments = frozenset(self._ordered)

    async def steps(self, since: str, head: str) -> tuple[BranchStep, ...]:
        """Along first parents, oldest first: commits of merged branches were never what the branch said.

        A branch that was force-moved, or has moved too far, is one step with a gap.
        """
        newest: Commit | None = None
        for window in (FIRST_WINDOW, WINDOW):
            log = {commit.sha: commit for commit in await self._source.history("", window)}
            newest = log.get(head, newest)
            if (found := _chain(log, since, head)) is not None:
                return found
            if len(log) < window:
                break
        return (BranchStep(newest, since, gap=True),) if newest else ()

    async def between(self, before: str, after: str) -> tuple[OverlayChange, ...]:
        """The overlays whose directories differ, or what they name beside them."""
        try:
            differ = [one.path for one in await self._source.differences(before, after)]
        except Refused:  # more than can be told: then only the overlays' own files are compared
            differ = await self._overlay_files(before, after)
        touched: dict[tuple[str, str], list[str]] = {}
        shared: dict[str, list[str]] = {}
        for path in differ:
            found = self._pattern.fullmatch(path)
            if found and found["environment"] in self._environments:
                touched.setdefault((found["app"], found["environment"]), []).append(path)
            elif self._of_app and not found and (app := self._of_app.fullmatch(path)):
                shared.setdefault(app["app"], []).append(path)
        for place, path in await self._sharing(shared, after):
            touched.setdefault(place, []).append(path)
        files = {place: self._files(*place) for place in touched}
        every = [path for paths in files.values() for path in paths]
        old, new = await self._source.read(every, before), await self._source.read(every, after)
        changes = [_change(place, files[place], paths, old, new) for place, paths in touched.items()]
        return tuple(change for change in changes if change)

    async def since_known(self, known: KnownImages, after: str) -> tuple[OverlayChange, ...]:
        """The overlays that pin something else than what is `known` of them, entry by entry."""
        files = {place: self._files(*place) for place in known}
        new = await self._source.read([path for paths in files.values() for path in paths], after)
        changes = [_unlike(place, files[place], pinned, new) for place, pinned in known.items()]
        return tuple(change for change in changes if change)

    async def images_at(self, app: str, environment: str, revision: str) -> tuple[str, tuple[OverlayImage, ...]]:
        """The path of the overlay and what it pins at a commit; "" where there is none."""
        contents = await self._source.read(self._files(app, environment), revision)
        path = next(iter(contents), "")
        return path, entries(contents[path], path) if path else ()

    async def _sharing(self, shared: Mapping[str, list[str]], at: str) -> list[tuple[tuple[str, str], str]]:
        """The overlays that are built from what changed beside them, an app's base for one."""
        places = {(app, environment): self._files(app, environment) for app in shared for environment in self._ordered}
        contents = await self._source.read([path for paths in places.values() for path in paths], at) if places else {}
        found: list[tuple[tuple[str, str], str]] = []
        for place, paths in places.items():
            file = next((path for path in paths if path in contents), "")
            roots = named_outside(contents[file], file) if file else ()
            changed = shared[place[0]]
            found += [(place, path) for path in changed if any(path == r or path.startswith(f"{r}/") for r in roots)]
        return found

    def _files(self, app: str, environment: str) -> tuple[str, ...]:
        directory = self._policy.overlay_directory(app, environment).strip("/")
        return tuple(f"{directory}/{name}" for name in FILE_NAMES)

    async def _overlay_files(self, before: str, after: str) -> list[str]:
        old, new = await self._source.paths(before), await self._source.paths(after)
        changed = [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
        return [path for path in changed if path.endswith(FILE_NAMES) and self._pattern.fullmatch(path)]


def _chain(log: Mapping[str, Commit], since: str, head: str) -> tuple[BranchStep, ...] | None:
    """None where the way back does not lead to `since`."""
    steps: list[BranchStep] = []
    at = head
    while at != since:
        commit = log.get(at)
        if commit is None or not commit.parents:
            return None
        steps.append(BranchStep(commit, commit.parents[0]))
        at = commit.parents[0]
    return tuple(reversed(steps))


def _change(
    place: tuple[str, str],
    files: tuple[str, ...],
    paths: list[str],
    old: Mapping[str, bytes],
    new: Mapping[str, bytes],
) -> OverlayChange | None:
    path = next((file for file in files if file in new), "")
    if not path and not any(file in old for file in files):
        return None
    was = next((file for file in files if file in old), path)
    if path and not _readable(new[path], path):
        return OverlayChange(*place, path, (), tuple(dict.fromkeys([path, *paths]))[:MOST_PATHS], unreadable=True)
    images = image_changes(entries(old.get(was, b""), was), entries(new.get(path, b""), path))
    others = tuple(other for other in paths if not images or other not in (path, was))[:MOST_PATHS]
    return OverlayChange(*place, path or was, images, others)


def _unlike(
    place: tuple[str, str], files: tuple[str, ...], known: Mapping[str, OverlayImage | None], new: Mapping[str, bytes]
) -> OverlayChange | None:
    path = next((file for file in files if file in new), "")
    if path and not _readable(new[path], path):
        return OverlayChange(*place, path, (), (path,), unreadable=True)
    now = {one.name: one for one in entries(new.get(path, b""), path)}
    images = tuple(ImageChange(was, now.get(name)) for name, was in known.items() if was != now.get(name))
    return OverlayChange(*place, path or files[0], images, ()) if images else None


def image_changes(before: Iterable[OverlayImage], after: Iterable[OverlayImage]) -> tuple[ImageChange, ...]:
    old, new = {one.name: one for one in before}, {one.name: one for one in after}
    names = dict.fromkeys([*old, *new])
    return tuple(ImageChange(old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))


def named_outside(content: bytes, path: str) -> tuple[str, ...]:
    """Nothing that is known, of a file that cannot be read."""
    try:
        return references(content, path)
    except KustomizationError:
        return ()


def _readable(content: bytes, path: str) -> bool:
    try:
        read_images(content, path)
    except KustomizationError:
        return False
    return True


def entries(content: bytes, path: str) -> tuple[OverlayImage, ...]:
    """What cannot be read pins nothing that is known."""
    try:
        return read_images(content, path)
    except KustomizationError:
        return ()
