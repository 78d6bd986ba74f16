"""Follow a commit until every Application runs it and is Healthy, or say why not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.application import (
    Application,
    ApplicationRef,
    HealthStatus,
    OperationPhase,
    ResourceHealth,
    SyncStatus,
)
from bot.domain.errors import IntegrationError, Unavailable
from bot.domain.overlay import Commit
from bot.domain.promotion import Following, Move, Progress
from bot.ports import Applications, OverlaySource

LATER_COMMITS = 200
"""How many commits on top of ours are looked through to tell whether an Application is past it."""
BAD_LOOKS = 3
"""Degraded is believed when it is seen this often in a row: pods of a good rollout may stumble once."""

Told = Callable[[tuple[Following, ...]], Awaitable[None]]


@dataclass(frozen=True)
class Followed:
    """How it ended; `timed_out` when the deadline came first."""

    following: tuple[Following, ...]
    timed_out: bool = False

    @property
    def healthy(self) -> bool:
        return all(f.progress is Progress.HEALTHY for f in self.following)


class Follower:
    """Repeatable: it only reads, and asks Argo CD to look (and to sync where nobody else does)."""

    def __init__(self, applications: Applications, source: OverlaySource, interval: float) -> None:
        self._applications = applications
        self._source = source
        self._interval = interval

    async def follow(self, moves: tuple[Move, ...], commit: Commit, deadline: datetime, told: Told) -> Followed:
        """Tells every change of what it sees. Does not raise for an Argo CD that is away: that is told, too."""
        refs = tuple(dict.fromkeys(move.application for move in moves))
        chases = [Chase(self._applications, self._source, ref, commit) for ref in refs]
        await asyncio.gather(*(chase.hurry() for chase in chases))
        last: tuple[Following, ...] = ()
        while True:
            now = tuple(await asyncio.gather(*(chase.look() for chase in chases)))
            if now != last:
                await told(now)
                last = now
            if all(f.progress in (Progress.HEALTHY, Progress.FAILED) for f in now):
                return Followed(now)
            if datetime.now(UTC) >= deadline:
                return Followed(
                    tuple(await asyncio.gather(*(chase.explain(f) for chase, f in zip(chases, now, strict=True)))),
                    timed_out=True,
                )
            await asyncio.sleep(self._interval)


class Chase:
    """One Application on its way to one commit."""

    def __init__(self, applications: Applications, source: OverlaySource, ref: ApplicationRef, commit: Commit) -> None:
        self._applications = applications
        self._source = source
        self._ref = ref
        self._commit = commit
        self._bad_looks = 0
        self._reached: dict[str, bool] = {commit.sha: True, "": False}
        self._asked_to_sync = False

    async def hurry(self) -> None:
        """Make Argo CD compare with git now, not at its next poll (minutes away). Failing that, the poll comes."""
        try:
            await self._applications.refresh(self._ref)
        except IntegrationError:
            return

    async def look(self) -> Following:
        try:
            application = await self._applications.get(self._ref)
            return await self._judge(application)
        except Unavailable as error:
            return Following(self._ref, Progress.WAITING, explanation=f"{error.system} does not answer: asking again.")
        except IntegrationError as error:
            refused = f"{error.system} refuses to {error.operation}: {error.detail}"
            return Following(self._ref, Progress.WAITING, explanation=refused)

    async def explain(self, following: Following) -> Following:
        """The same, with the resource that is to blame and what it says."""
        if following.progress in (Progress.HEALTHY, Progress.FAILED):
            return following
        worst = await self._worst()
        return _with(following, worst or following.explanation)

    async def _judge(self, application: Application) -> Following:
        if not await self._has_reached(application.revision):
            return self._told(application, Progress.WAITING)
        await self._sync_if_nobody_does(application)
        operation = application.operation
        if operation and operation.finished and operation.phase is not OperationPhase.SUCCEEDED:
            if await self._has_reached(operation.revision):
                return self._told(application, Progress.FAILED, f"The sync failed: {operation.message}")
            return self._told(application, Progress.WAITING)
        if not application.settled_at(application.revision):
            retrying = f"Retrying: {operation.message}" if operation and operation.retrying else ""
            return self._told(application, Progress.SYNCING, retrying)
        return await self._judge_health(application)

    async def _judge_health(self, application: Application) -> Following:
        if application.health is HealthStatus.HEALTHY:
            return self._told(application, Progress.HEALTHY)
        if application.health not in (HealthStatus.DEGRADED, HealthStatus.MISSING):
            self._bad_looks = 0
            return self._told(application, Progress.PROGRESSING)
        self._bad_looks += 1
        worst = await self._worst() or application.health_message
        failed = self._bad_looks >= BAD_LOOKS
        return self._told(application, Progress.FAILED if failed else Progress.PROGRESSING, worst)

    async def _has_reached(self, revision: str) -> bool:
        """Whether a revision is our commit or one on top of it (others push, too)."""
        if revision not in self._reached:
            newer = []
            for commit in await self._source.history("", LATER_COMMITS):
                if commit.sha == self._commit.sha:
                    break
                newer.append(commit.sha)
            self._reached[revision] = revision in newer
        return self._reached[revision]

    async def _sync_if_nobody_does(self, application: Application) -> None:
        if application.auto_sync or self._asked_to_sync or application.sync is not SyncStatus.OUT_OF_SYNC:
            return
        await self._applications.sync(self._ref, self._commit.sha)
        self._asked_to_sync = True

    async def _worst(self) -> str:
        try:
            return _sentence(await self._applications.unhealthy(self._ref))
        except IntegrationError:
            return ""

    def _told(self, application: Application, progress: Progress, explanation: str = "") -> Following:
        condition = application.conditions[0] if application.conditions else ""
        return Following(
            self._ref, progress, application.sync, application.health, explanation or condition, application.url
        )


def _with(following: Following, explanation: str) -> Following:
    return Following(
        following.application, following.progress, following.sync, following.health, explanation, following.url
    )


def _sentence(resources: tuple[ResourceHealth, ...]) -> str:
    """The one resource whose message says most, and how many more there are."""
    telling = next((r for r in resources if r.message), resources[0] if resources else None)
    if telling is None:
        return ""
    more = f" ({len(resources) - 1} more resources are not Healthy)" if len(resources) > 1 else ""
    return f"{telling.kind} {telling.name} is {telling.health}: {telling.message or 'no message'}{more}"
