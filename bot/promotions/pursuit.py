"""One Application on its way to one commit: what is asked about it, and what Argo CD is asked to do."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.application import Application, ApplicationRef, ResourceHealth, SyncStatus
from bot.domain.errors import IntegrationError, Refused
from bot.domain.overlay import Commit
from bot.domain.promotion import Following, Move, Progress
from bot.ports import Applications, OverlaySource, SyncWindows
from bot.promotions.arrival import ILL, Arrival, Evidence, arrival, failure
from bot.promotions.containment import Containment, Line
from bot.promotions.evidence import blamed, evidence_of

BAD_LOOKS = 3
"""Degraded is believed when it is seen this often in a row: pods of a good rollout may stumble once."""
REFRESH_EVERY = timedelta(seconds=45)
"""Argo CD does not repeat a refresh that found git or its cache away before its own poll, minutes later (A32)."""
REFRESH_IN_DOUBT = timedelta(seconds=5)
REFRESHES_IN_DOUBT = 2
"""so often Argo CD must say the same again before what contradicts itself is believed (A28)"""
CHECKING = "Argo CD reports Synced, but lists other images than ours: checking again."
SYNC_EVERY = timedelta(seconds=10)
EXPLAIN_EVERY = timedelta(seconds=10)


class Pursuit:
    """`moves` are this Application's. Raises IntegrationError where Argo CD or git is away."""

    def __init__(
        self,
        applications: Applications,
        source: OverlaySource,
        ref: ApplicationRef,
        moves: tuple[Move, ...],
        commit: Commit,
        *,
        clock: Callable[[], datetime],
        windows: SyncWindows | None = None,
    ) -> None:
        self.last = Following(ref, Progress.WAITING)
        self._applications = applications
        self._ref = ref
        self._moves = moves
        self._commit = commit
        self._clock = clock
        self._windows = windows
        self._contained = Containment(source, commit, moves, clock)
        self._bad_looks = 0
        self._doubted = ""
        self._refreshes = 0
        self._asked: dict[str, datetime] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._blamed = ""
        self._closed = ""
        self._refused = ""
        self._trouble = ""

    async def hurry(self) -> None:
        """Make Argo CD compare with git now, not at its next poll (minutes away). Failing that, it is asked again."""
        self._asked["refresh"] = self._clock()
        await self._refresh()

    async def stop(self) -> None:
        if self._refreshing:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    async def look(self) -> Following:
        application = await self._applications.get(self._ref)
        evidence = await self._evidence(application)
        await self._sync_if_nobody_does(evidence)
        self._note_trouble(evidence)
        self.last = await self._judged(application, arrival(evidence))
        if self.last.progress in (Progress.WAITING, Progress.SYNCING):
            self._refresh_if_due()
        return self.last

    async def explain(self, following: Following) -> Following:
        """The same, with the resource that is to blame and what it says; of a sync that has not begun nothing is."""
        if following.progress not in (Progress.PROGRESSING, Progress.SYNCING):
            return following
        return replace(following, explanation=await self._worst() or following.explanation)

    async def _evidence(self, app: Application) -> Evidence:
        return await evidence_of(app, self._contained, self._moves, self._commit.sha)

    async def _judged(self, app: Application, found: Arrival) -> Following:
        confirmed = self._confirmed(found)
        progress = found.progress if confirmed else found.meanwhile
        before = self._trouble or self._refused or (self._blamed if self._bad_looks else "")
        self._bad_looks = self._bad_looks + 1 if app.health in ILL and progress is Progress.PROGRESSING else 0
        explanation = found.explanation if confirmed or app.sync is SyncStatus.OUT_OF_SYNC else CHECKING
        if progress is Progress.PROGRESSING:
            explanation = await self._blame(found.explanation)
            progress = Progress.FAILED if self._bad_looks >= BAD_LOOKS else progress
        elif progress is Progress.WAITING and app.sync is SyncStatus.OUT_OF_SYNC and not found.doubtful:
            explanation = await self._closed_window() or self._refused or explanation
        elif progress is Progress.SUPERSEDED and before:
            explanation = f"{explanation} Before that: {before}"
        return Following(self._ref, progress, app.sync, app.health, explanation, app.url)

    def _note_trouble(self, evidence: Evidence) -> None:
        """Once it is superseded, only this still says why it had not arrived."""
        operation = evidence.application.operation
        if operation is None or not evidence.operation_is_ours:
            return
        if operation.retrying or operation.failed:
            self._trouble = f"Argo CD could not sync it: {failure(operation)}"
        elif operation.finished:
            self._trouble = ""

    def _confirmed(self, found: Arrival) -> bool:
        """Whether Argo CD has said the same again after it looked again."""
        said = f"{found.progress}: {found.explanation}" if found.doubtful else ""
        if said != self._doubted:
            self._doubted, self._refreshes = said, 0
        return not found.doubtful or self._refreshes >= REFRESHES_IN_DOUBT

    async def _sync_if_nobody_does(self, evidence: Evidence) -> None:
        """Until an operation of our line exists: that one runs already says nothing about which (A31)."""
        app = evidence.application
        needed = evidence.at.line is Line.OURS and app.sync is SyncStatus.OUT_OF_SYNC
        if app.auto_sync or app.under_way or not needed or evidence.operation_is_ours:
            return
        if self._due("sync", SYNC_EVERY):
            self._refused = await self._sync()

    async def _sync(self) -> str:
        """Why Argo CD does not let us, "" when it does."""
        try:
            await self._applications.sync(self._ref, self._commit.sha)
        except Refused as error:
            return f"{error.system} refuses to {error.operation}: {error.detail}"
        return ""

    def _refresh_if_due(self) -> None:
        """Beside the looking: a refresh blocks until the controller has done it (A8)."""
        if self._refreshing and not self._refreshing.done():
            return
        if self._due("refresh", REFRESH_IN_DOUBT if self._doubted else REFRESH_EVERY):
            self._refreshing = asyncio.create_task(self._refresh(), name=f"refresh {self._ref.name}")

    async def _refresh(self) -> None:
        with suppress(IntegrationError):
            await self._applications.refresh(self._ref)
            self._refreshes += 1

    async def _blame(self, otherwise: str) -> str:
        if self._bad_looks == BAD_LOOKS or self._due("explain", EXPLAIN_EVERY):
            self._blamed = await self._worst()
        return self._blamed or otherwise

    async def _worst(self) -> str:
        try:
            return _sentence(await self._applications.unhealthy(self._ref))
        except IntegrationError:
            return ""

    async def _closed_window(self) -> str:
        if self._windows and self._due("window", REFRESH_EVERY):
            with suppress(IntegrationError):
                permission = await self._windows.permission(self._ref)
                self._closed = "" if permission.allowed else permission.reason
        return self._closed

    def _due(self, what: str, every: timedelta) -> bool:
        """Whether it is time to ask for something, once in a while."""
        now, asked = self._clock(), self._asked.get(what)
        if asked and now - asked < every:
            return False
        self._asked[what] = now
        return True


def _sentence(resources: tuple[ResourceHealth, ...]) -> str:
    """The one resource whose message says most, and how many more there are."""
    telling = blamed(resources)
    if telling is None:
        return ""
    more = f" ({len(resources) - 1} more resources are not Healthy)" if len(resources) > 1 else ""
    return f"{telling.kind} {telling.name} is {telling.health}: {telling.message or 'no message'}{more}"
