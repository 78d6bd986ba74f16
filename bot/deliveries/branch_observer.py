"""Follows the overlay branch: every commit that changes an overlay is a fact, whoever made it.

A push that GitHub tells of is looked at once; where nobody tells, the head is asked for. What several replicas see at
once is recorded once, for a fact has one key.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from bot.deliveries.fix_counter import FixCounter
from bot.deliveries.overlay_changes import BranchStep, OverlayChange, OverlayChanges
from bot.deliveries.past_holds import PastHolds
from bot.deliveries.recorder import Recorder
from bot.domain.delivery import Cause, Committed, Fact
from bot.domain.errors import DatabaseAway, NotFound
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import Doubt, Promotion
from bot.domain.safety import HeldThen
from bot.domain.source_range import undoing
from bot.policy import Policy
from bot.ports import OverlaySource
from bot.promotions.containment import pins
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.promotions import PromotionStore

log = structlog.get_logger(__name__)

OBSERVER = "git"
EVERY_SECONDS = 15.0
"""one question to git; a head that has not moved costs nothing of GitHub's limit (G16)"""
SEARCHED = 30
"""promotions of an app there among which a commit is looked for"""
NEAR = 60
"""commits among which the one is looked for that the branch was at, while nothing is on record"""
MOMENT = timedelta(microseconds=1)
NOBODY = Author("", "")
COMMITTED = "committed"
"""the kind of the facts"""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=2)
"""for a promotion that would write this very image, and has not noted down its commit yet, or could not"""


class UndecidedAuthor(Exception):
    """Whose commit it is will be known in a moment."""


@dataclass
class BranchObserver:
    """`look` raises IntegrationError and DatabaseAway."""

    source: OverlaySource
    changes: OverlayChanges
    recorder: Recorder
    promotions: PromotionStore
    policy: Policy
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now
    holds: PastHolds | None = None
    fixes: FixCounter | None = None
    _pushed: asyncio.Event = field(default_factory=asyncio.Event)
    _first_seen: dict[str, datetime] = field(default_factory=dict)
    """sha of a commit that is not recorded → when it was first seen: each waits beside the others"""
    _undecided: bool = False
    _latest: datetime = EARLIEST
    """of the commits that were read: what lies on top of another was not made before it, whatever its clock says"""

    _looked: datetime | None = None
    """when the branch was looked at before: what was not there came since"""

    async def pushed(self) -> None:
        """The branch has moved: look now."""
        self._pushed.set()

    async def observe_forever(self) -> None:
        """Until it is cancelled. Neither git nor the database being away ends it."""
        while True:
            try:
                await self.look()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception as error:  # noqa: BLE001 (git may be away for as long as it likes)
                log.warning("deliveries.branch_not_read", error=repr(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0 if self._undecided else EVERY_SECONDS):
                    await self._pushed.wait()
            self._pushed.clear()

    async def look(self) -> int:
        """What is new on the branch; how many facts. The first look ever only notes where the branch is."""
        looking = self.clock()
        position, head = await self.recorder.position(OBSERVER), await self.source.head()
        late = await self.recorder.was_away(OBSERVER)
        if not position:
            await self.recorder.record((), OBSERVER, head)
            self._looked = looking
            return 0
        found = 0
        steps = await self._steps(position, head) if head != position else ()
        for step in steps:
            self._first_seen.setdefault(step.commit.sha, looking)
        try:
            self._undecided = False
            for step in steps:
                facts, ends = await self._facts(step), (step.before, step.commit.sha)
                again = partial(self._came_again, step.before)
                if (added := await self.recorder.step(facts, OBSERVER, ends, again, late=late)) is None:
                    break
                found += len(added)
                await self._count(added)
            else:
                self._looked = looking
                self._first_seen.clear()
        except UndecidedAuthor:
            self._undecided = True
        self.recorder.seen(OBSERVER)
        await self.recorder.looked(OBSERVER)
        return found

    async def _count(self, added: Sequence[Fact]) -> None:
        if self.fixes:
            for fact in added:
                await self.fixes.count_committed(fact)

    async def _steps(self, position: str, head: str) -> tuple[BranchStep, ...]:
        """What is on top of that was not made before it, though this process may have read none of it."""
        known = await self.recorder.newest(COMMITTED)
        newest = () if known else await self.source.history("", NEAR)
        under = (commit.at for commit in newest if commit.sha == position)
        self._latest = max(self._latest, known or EARLIEST, *under)
        return await self.changes.steps(position, head)

    async def _facts(self, step: BranchStep) -> tuple[Fact, ...]:
        try:
            changed = await self.changes.between(step.before, step.commit.sha)
        except NotFound:
            if not await self._is_lost(step.before):
                raise
            known = pinned_last(await self.recorder.of_kind(COMMITTED))
            changed = await self.changes.since_known(known, step.commit.sha)
            log.warning("deliveries.branch_lost", position=step.before, commit=step.commit.sha, changes=len(changed))
        return tuple([await self._fact(step, change) for change in changed])

    async def _is_lost(self, position: str) -> bool:
        """Whether git no longer has that commit: the branch was moved by force, and nobody has kept it."""
        try:
            await self.source.paths(position)
        except NotFound:
            return True
        return False

    async def _fact(self, step: BranchStep, change: OverlayChange) -> Fact:
        commit = await self._newest(step, change) if step.gap else step.commit
        mine = await self._promotion(commit, change)
        cause = self._cause(mine, commit, change)
        detail = Committed(
            commit.sha,
            commit.author,
            commit.headline[:200],
            cause,
            change.path,
            change.images,
            change.paths,
            commit.url,
            mine.id if mine else "",
            commit.trailer("Pipeline-Run")[:200],
            undoing(commit.sha, commit.message) or None,
            unreadable=change.unreadable,
            held=await self._held(commit, change) if cause is Cause.GIT else None,
        )
        at = self._at(commit.at, after=self.recorder.last_look(OBSERVER) if step.gap else EARLIEST)
        return Fact(f"git:{commit.sha}:{change.environment}:{change.app}", at, change.app, change.environment, detail)

    async def _held(self, commit: Commit, change: OverlayChange) -> HeldThen | None:
        """What held the place from before it came until now. When it came, only the looks at the branch tell."""
        if self.holds is None:
            return None
        now = self.clock()
        since = self._looked or min(commit.at, now)
        return await self.holds.throughout(change.app, change.environment, since, now)

    def _at(self, made: datetime, after: datetime) -> datetime:
        """When a commit came to the branch: as it says itself, but after what lies under it, and not in the future.

        `after`: when the branch was still another one, for a commit that may be old.
        """
        self._latest = min(max(made, self._latest + MOMENT, after), self.clock())
        return self._latest

    def _came_again(self, since: str, fact: Fact) -> Fact:
        """The branch was moved, by force or forward, to a commit that it had left. Who did so git does not say."""
        committed, at = fact.detail, self._at(fact.at, after=self.recorder.last_look(OBSERVER))
        assert isinstance(committed, Committed)
        moved = replace(
            committed, author=NOBODY, subject=f"The branch was moved here from {since[:7]}", cause=Cause.GIT,
            promotion="", run="", undoing=None, moved=since,
        )  # fmt: skip
        return replace(fact, key=f"git:{moved.id}:{fact.environment}:{fact.app}", at=at, detail=moved)

    async def _newest(self, step: BranchStep, change: OverlayChange) -> Commit:
        """Of the commits in a gap, the one that the overlay is by now."""
        return next(iter(await self.source.history(change.path, 1)), step.commit)

    async def _promotion(self, commit: Commit, change: OverlayChange) -> Promotion | None:
        """The one that has this commit on record: what a message says is anybody's to write. Raises UndecidedAuthor."""
        sha = commit.sha
        past = await self.promotions.history(change.app, change.environment, SEARCHED)
        for known in past:
            if known.commit and known.commit.sha == sha:
                return known
        live = await self.promotions.live(change.app, change.environment)
        maybe = [*([live] if live and not live.commit else []), *(one for one in past if one.doubt is Doubt.OPEN)]
        if own := next((one for one in maybe if _would_write(one, change)), None):
            if self.clock() - self._first_seen.setdefault(sha, self.clock()) < GRACE:
                raise UndecidedAuthor
            log.info("deliveries.not_the_promotions_commit", promotion=own.id, commit=sha)
        return None

    def _cause(self, mine: Promotion | None, commit: Commit, change: OverlayChange) -> Cause:
        if mine:
            return Cause.ROLLBACK if mine.plan.automatic else Cause.PROMOTION
        first = change.environment == self.policy.environments[0].name
        return Cause.PIPELINE if first and commit.trailer("Pipeline-Run") else Cause.GIT


def pinned_last(facts: Iterable[Fact]) -> dict[tuple[str, str], dict[str, OverlayImage | None]]:
    """What is on record of each overlay, entry by entry; `facts` of commits, oldest first."""
    known: dict[tuple[str, str], dict[str, OverlayImage | None]] = {}
    for fact in facts:
        if isinstance(fact.detail, Committed):
            for image in fact.detail.images:
                known.setdefault((fact.app, fact.environment), {})[image.name] = image.after
    return known


def _would_write(live: Promotion, change: OverlayChange) -> bool:
    written = [image.after for image in change.images if image.after]
    return any(
        move.overlay == change.path and any(entry.name == move.name and pins(entry, move) for entry in written)
        for move in live.moves
    )
