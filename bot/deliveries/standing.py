"""How one Application stands, over time: ill, not as git says though nothing was committed, not compared. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.application import Application, HealthStatus, SyncStatus

ILL = (HealthStatus.DEGRADED, HealthStatus.MISSING)


@dataclass(frozen=True)
class OngoingProblem:
    """An illness, a drift, or a sync status that is unknown: since when, and whether it is on record."""

    since: datetime
    recorded: bool = False


@dataclass(slots=True)
class Standing:
    """What passes before `patience` is over is nothing: pods of a good rollout may stumble once."""

    illness: OngoingProblem | None = None
    drift: OngoingProblem | None = None
    unknown: OngoingProblem | None = None
    synced: str = ""
    """the revision at which it was last seen to be as git says"""
    operation: datetime | None = field(default=None)
    """when the newest operation that was looked at began"""

    def see(self, app: Application, now: datetime) -> Iterator[str]:
        """What is over by this look, of what is on record: "illness", "drift", "unknown"."""
        if app.health in ILL:
            self.illness = self.illness or OngoingProblem(_no_later(app.health_since, now))
        elif app.health is HealthStatus.HEALTHY and self.illness:
            if self.illness.recorded:
                yield "illness"
            self.illness = None
        if drifts(app, self.synced):
            self.drift = self.drift or OngoingProblem(now)
        elif self.drift and app.sync is SyncStatus.SYNCED:  # a commit elsewhere moves the revision, and ends nothing
            if self.drift.recorded:
                yield "drift"
            self.drift = None
        if app.sync is SyncStatus.UNKNOWN and not app.deleted:
            self.unknown = self.unknown or OngoingProblem(now)
        elif self.unknown:
            if self.unknown.recorded:
                yield "unknown"
            self.unknown = None
        if app.sync is SyncStatus.SYNCED:
            self.synced = app.revision


def due(episode: OngoingProblem | None, now: datetime, patience: timedelta) -> bool:
    """Whether it has lasted long enough to be put on record, and is not there yet."""
    return episode is not None and not episode.recorded and now - episode.since >= patience


def drifts(app: Application, synced: str) -> bool:
    """OutOfSync at a commit that it was in sync with already: then it is the cluster that has changed (A18, A20)."""
    operation = app.operation
    if app.sync is not SyncStatus.OUT_OF_SYNC or not app.revision or app.under_way:
        return False
    was = {synced, app.history[-1].revision if app.history else ""}
    if operation and operation.succeeded:
        was.add(operation.revision)
    return app.revision in was


def _no_later(at: datetime | None, now: datetime) -> datetime:
    return min(at, now) if at else now
