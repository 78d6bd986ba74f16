"""Looks up which source commits each deployment brings, for the record: nothing waits for it.

By the revisions that the labels of its images name, before and after; between them, by the source host.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.deliveries.fix_counter import FixCounter
from bot.deliveries.recorder import Recorder
from bot.domain.delivery import Committed, Fact, ImageChange, SyncedByHand
from bot.domain.errors import DatabaseAway, IntegrationError, Refused, UnknownRegistry
from bot.domain.overlay import Author, OverlayImage
from bot.domain.source import is_revision, same_repository
from bot.domain.source_range import BroughtCommit, CommitsFound, SourceRange, commits_key, undoing
from bot.ports import Comparison, Registry, SourceHistory
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.deliveries import DeliveryStore

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=30)
"""in which deployments are looked up that nobody has"""
MOST = 10_000
"""that wait, the newest of them"""
OVERLAP = 200
"""facts that are read again: on Postgres a lower id may be committed later"""
EVERY_SECONDS = 60.0
AGAIN = timedelta(minutes=1)
SELDOM = timedelta(hours=1)
"""between two tries, at first and at most"""
GIVEN_UP = timedelta(hours=1)
"""after which "there is no such image" and "no such commit" are taken for the answer"""
PATIENCE_SECONDS = 10.0
FRESH = timedelta(hours=1)
BETWEEN_SECONDS = 2.0
"""older ones, so that the source host's limit is left for promotions"""
CLOCKS = timedelta(minutes=5)
"""by which two systems' clocks may differ"""
MOST_IMAGES = 20
SUBJECTS = 3
LONGEST = 120
"""characters of a subject or a name that are kept"""
ADDRESS = 320
"""characters of an e-mail address"""
T = TypeVar("T")
Ends = tuple[str, str, str]
"""URL of the source repository, and its revisions before and after"""


@dataclass
class _Waiting:
    due: datetime
    tries: int = 0


@dataclass
class SourceObserver:
    """`sources` is None where no source host is configured: then nothing is asked.

    `found` hears of each deployment whose commits have been looked up.
    """

    registry: Registry
    sources: SourceHistory | None
    store: DeliveryStore
    recorder: Recorder
    found: Callable[[Fact], None]
    fixes: FixCounter
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now
    patience: float = PATIENCE_SECONDS
    _added: asyncio.Event = field(init=False)
    _read_to: int = 0
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    """by the id of the fact that the deployment began with"""
    _nothing: deque[int] = field(default_factory=lambda: deque(maxlen=2 * OVERLAP))
    """ids of those that change no image, though they are read again"""

    def __post_init__(self) -> None:
        self._added = self.recorder.listen()

    async def observe_forever(self) -> None:
        """Until it is cancelled. Neither a system nor the database being away ends it."""
        while self.sources is not None:
            self._added.clear()
            looked: Fact | None = None
            with suppress(DatabaseAway):  # told where it was noticed
                await self.read()
                looked = await self.look()
            if looked:
                await asyncio.sleep(0.0 if self.clock() - looked.at <= FRESH else BETWEEN_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._added.wait()
        await asyncio.Event().wait()

    async def read(self) -> None:
        """Which deployments are new. Raises DatabaseAway."""
        now = self.clock()
        new = await self.store.without_commits(max(0, self._read_to - OVERLAP), now - LOOK_BACK, MOST)
        for id in new:
            if id not in self._waiting and id not in self._nothing:
                self._waiting[id] = _Waiting(now)
        self._read_to = max((self._read_to, *new))
        for id in sorted(self._waiting)[: max(0, len(self._waiting) - MOST)]:
            del self._waiting[id]

    async def look(self) -> Fact | None:
        """At the newest that is due; None where none is. Raises DatabaseAway."""
        now = self.clock()
        for id in sorted((id for id, one in self._waiting.items() if one.due <= now), reverse=True):
            begun = await self.store.begun(id)  # another replica may have looked
            if begun and _images(begun) and now - begun.at <= LOOK_BACK:
                await self._look_at(id, begun)
                return begun
            del self._waiting[id]
            self._nothing.append(id)
        return None

    async def _look_at(self, id: int, begun: Fact) -> None:
        waits = self._waiting[id]
        try:
            detail = await self._commits(begun)
        except (IntegrationError, TimeoutError) as error:
            waits.due = self.clock() + min(AGAIN * 2**waits.tries, SELDOM)
            waits.tries = min(waits.tries + 1, 10)
            log.info("deliveries.commits_not_known", app=begun.app, error=str(error) or "timeout")
            return
        fact = Fact(commits_key(begun.key), begun.at, begun.app, begun.environment, detail)
        for added in await self.recorder.record([fact]):
            self.found(added)
            await self.fixes.count(begun, detail)
        del self._waiting[id]

    async def _commits(self, begun: Fact) -> CommitsFound:
        """Raises IntegrationError and TimeoutError where it may still be answered later."""
        final = self.clock() - begun.at > GIVEN_UP
        ends: dict[str, Ends | None] = {}
        for change in _images(begun)[:MOST_IMAGES]:
            ends[change.name] = await self._answer(self._ends(change, begun.at), final=final)
        named: dict[Ends, list[str]] = {}
        for name, end in ends.items():
            if end:
                named.setdefault(next((one for one in named if _same(one, end)), end), []).append(name)
        ranges: list[SourceRange] = []
        for end, names in named.items():
            found = await self._answer(self._range(end, names), final=final)
            ranges += [found] if found else []
        known = {name for one in ranges for name in one.images}
        unknown = tuple(change.name for change in _images(begun) if change.name not in known)
        return CommitsFound(begun.key, tuple(ranges), unknown)

    async def _answer(self, asked: Awaitable[T | None], *, final: bool) -> T | None:
        """None where there is none, and never will be."""
        try:
            async with asyncio.timeout(self.patience):
                return await asked
        except UnknownRegistry:
            return None
        except Refused:
            if not final:
                raise
            return None

    async def _ends(self, change: ImageChange, at: datetime) -> Ends | None:
        """None where the labels name no revision, or two repositories."""
        if change.before is None or change.after is None:
            return None
        before, after = await asyncio.gather(self._revision(change.before, at), self._revision(change.after, at))
        known = all((*before, *after)) and same_repository(before[0], after[0])
        return (after[0], before[1], after[1]) if known else None

    async def _revision(self, entry: OverlayImage, at: datetime) -> tuple[str, str]:
        """URL of the source repository, and commit; "" where the tag means a later image by now."""
        artifact = await self.registry.artifact(entry.repository, entry.digest or entry.tag)
        moved = not entry.digest and artifact.pushed_at and artifact.pushed_at - at > CLOCKS
        return ("", "") if moved else (artifact.source, artifact.revision)

    async def _range(self, ends: Ends, names: Sequence[str]) -> SourceRange | None:
        source, before, after = ends
        if self.sources is None:
            return None
        if before == after:
            return SourceRange(tuple(names), *ends)
        return _ranged(tuple(names), ends, await self.sources.compare(source, before, after))


def _ranged(names: tuple[str, ...], ends: Ends, found: Comparison) -> SourceRange:
    listed = [commit for commit in found.commits if is_revision(commit.sha)]
    newest = tuple(
        BroughtCommit(commit.headline[:LONGEST], _shortened(commit.author)) for commit in found.commits[:SUBJECTS]
    )
    said = tuple(one for commit in listed if (one := undoing(commit.sha, commit.message)))
    ids = tuple(dict.fromkeys(commit.sha for commit in listed))
    return SourceRange(names, *ends, max(found.total, 0), ids, newest, said)


def _shortened(author: Author) -> Author:
    return Author(author.name[:LONGEST], author.email[:ADDRESS])


def _images(begun: Fact) -> list[ImageChange]:
    """What it puts there; entries that it takes away bring nothing."""
    detail = begun.detail
    assert isinstance(detail, Committed | SyncedByHand)
    return [change for change in detail.images if change.after]


def _same(one: Ends, other: Ends) -> bool:
    return one[1:] == other[1:] and same_repository(one[0], other[0])
