"""Does a commit hold the line that we wrote? Read from git at that commit: being later than ours is no proof."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.domain.image import PinnedImage, is_digest
from bot.domain.overlay import Commit, OverlayImage
from bot.overlays.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource

LATER_COMMITS = 200
"""How many commits on top of ours are looked through to tell whether one is past it."""
ASK_AGAIN = timedelta(seconds=10)
"""A commit that git does not show yet is looked for again after this time."""
KEPT = 64
"""answers in memory: a commit may wait for its sync for weeks, while the branch goes on"""


class Line(StrEnum):
    OURS = "ours"
    BEFORE = "before"
    """an older commit, or one that git does not show"""
    REPLACED = "replaced"


@dataclass(frozen=True)
class Held:
    """What a commit says in the place of our line; `by` is the commit that replaced it, None where that is unknown."""

    line: Line
    by: Commit | None = None
    instead: str = ""
    """the label that stands there instead"""
    by_digest: bool = False
    """whether it pins every image by its digest"""


BEFORE = Held(Line.BEFORE)


class WrittenLine(Protocol):
    """An entry of `images:` as a commit has written it: a promotion's move, or anybody's change."""

    @property
    def overlay(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def before(self) -> OverlayImage: ...
    @property
    def after(self) -> PinnedImage: ...


class Containment:
    """Of one commit and some of its moves. Raises IntegrationError while git is away; what is certain is kept.

    `touched`: a path that the commit changed, where it has no moves.
    """

    def __init__(
        self,
        source: OverlaySource,
        commit: Commit,
        moves: Sequence[WrittenLine],
        clock: Callable[[], datetime],
        touched: str = "",
    ) -> None:
        self._source = source
        self._touched = tuple(dict.fromkeys(move.overlay for move in moves)) or tuple(filter(None, (touched,)))
        self._commit = commit
        self._moves = moves
        self._clock = clock
        self._known: dict[str, Held] = {"": BEFORE}
        self._looked_at: dict[str, datetime] = {}

    async def at(self, revision: str) -> Held:
        if revision in self._known:
            return self._known[revision]
        now, looked = self._clock(), self._looked_at.get(revision)
        if looked and now - looked < ASK_AGAIN:
            return BEFORE
        if len(self._looked_at) >= KEPT:
            self._known, self._looked_at = {"": BEFORE}, {}
        self._looked_at[revision] = now
        held = await self._look(revision)
        if held:
            self._known[revision] = held
        return held or BEFORE

    async def _look(self, revision: str) -> Held | None:
        """None where git does not tell whether it is past ours."""
        newer: list[str] = []
        if revision != self._commit.sha:
            shas = [commit.sha for commit in await self._source.history("", LATER_COMMITS)]
            if revision not in shas:
                return None
            if self._commit.sha not in shas:
                return await self._look_far_back(revision)
            newer = shas[: shas.index(self._commit.sha)]
            if revision not in newer:
                return BEFORE
        return await self._read(revision, frozenset(newer[newer.index(revision) :] if newer else ()))

    async def _look_far_back(self, revision: str) -> Held | None:
        """Many have committed since, most of them elsewhere: `revision` is past ours when our commit is behind it among
        those of one of our paths. One path may have seen too many commits, so every path is looked at.
        """
        between, past = {revision}, False
        for path in self._touched:
            touching = [commit.sha for commit in await self._source.history(path, LATER_COMMITS, revision)]
            if self._commit.sha in touching:
                between.update(touching[: touching.index(self._commit.sha)])
                past = True
        return await self._read(revision, frozenset(between)) if past else None

    async def _read(self, revision: str, between: frozenset[str]) -> Held:
        """`between`: the commits after ours, down from this one."""
        paths = tuple(dict.fromkeys(move.overlay for move in self._moves))
        contents = await self._source.read(paths, revision)
        by_digest = True
        for move in self._moves:
            entry = _entry(contents.get(move.overlay, b""), move)
            if between and (entry is None or not pins(entry, move)):
                instead = entry.label if entry else "nothing"
                return Held(Line.REPLACED, await self._culprit(move.overlay, between), instead)
            by_digest = by_digest and bool(entry.digest if entry else move.before.digest)
        return Held(Line.OURS, by_digest=by_digest)

    async def _culprit(self, path: str, between: frozenset[str]) -> Commit | None:
        touching = await self._source.history(path, LATER_COMMITS)
        return next((commit for commit in touching if commit.sha in between), None)


def pins(entry: OverlayImage, move: WrittenLine) -> bool:
    """Whether an entry pins the image of a move: by its digest where it has one, else by its tag."""
    image = move.after
    if entry.repository != image.repository:
        return False
    return entry.digest == image.digest if is_digest(entry.digest) else bool(entry.tag) and entry.tag == image.tag


def _entry(content: bytes, move: WrittenLine) -> OverlayImage | None:
    try:
        entries = read_images(content, move.overlay)
    except KustomizationError:
        return None
    return next((entry for entry in entries if entry.name == move.name), None)
