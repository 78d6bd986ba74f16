"""How one Application stands, over time: ill, not as git says though nothing was committed, not compared. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.application import Application, HealthStatus, SyncStatus

ILL = (HealthStatus.DEGRADED, HealthStatus.MISSING)
NO_COMMITS: frozenset[str] = frozenset()
"""one object: each `frozenset()` is another"""


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
    synced_after: datetime | None = None
    """when the newest operation of then began"""
    synced_spec: int | None = None
    """stands for the sources that it had then: ten thousand Applications are kept"""
    bases: frozenset[str] = NO_COMMITS
    """the commits that it was synced at since it may have begun to drift"""
    waiting: tuple[str, frozenset[str]] | None = None
    """the revision, and the commits it was synced at, between which git has changed: no drift until either moves"""
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
        if app.sync is SyncStatus.SYNCED:  # a commit elsewhere moves the revision, and ends nothing
            if self.drift and self.drift.recorded:
                yield "drift"
            self._is_synced(app)
        elif differs(app):
            self._may_drift(app, now)
        if app.sync is SyncStatus.UNKNOWN and not app.deleted:
            self.unknown = self.unknown or OngoingProblem(now)
        elif self.unknown:
            if self.unknown.recorded:
                yield "unknown"
            self.unknown = None

    def synced_at(self, app: Application) -> frozenset[str]:
        """The commits that the cluster was last made to be like, as far as is told; none where nobody knows.

        An operation alone proves nothing: a dry run succeeds, and so does a sync of one resource. Those add nothing to
        the history (A20).
        """
        if self.synced_spec is not None and self.synced_spec != hash(app.sources):
            return NO_COMMITS  # the Application itself was changed: what it takes from git is another thing now
        if self.synced and (app.revision == self.synced or _began(app) == self.synced_after):
            return frozenset({self.synced})
        whole = app.history[-1].revision if app.history else self.synced
        touched = app.operation.revision if app.operation else ""
        return frozenset({whole, touched} - {""}) if whole else NO_COMMITS

    def changed_in_git(self, app: Application) -> None:
        """It is no drift at this revision, or nobody can tell."""
        self.drift, self.bases, self.waiting = None, NO_COMMITS, (app.revision, self.synced_at(app))

    def _is_synced(self, app: Application) -> None:
        self.drift, self.bases, self.waiting = None, NO_COMMITS, None
        self.synced, self.synced_after, self.synced_spec = app.revision, _began(app), hash(app.sources)

    def _may_drift(self, app: Application, now: datetime) -> None:
        bases = self.synced_at(app)
        if self.drift is None and bases and self.waiting != (app.revision, bases):
            self.drift = OngoingProblem(now)
        if self.drift and not self.drift.recorded:
            self.bases |= bases


def due(episode: OngoingProblem | None, now: datetime, patience: timedelta) -> bool:
    """Whether it has lasted long enough to be put on record, and is not there yet."""
    return episode is not None and not episode.recorded and now - episode.since >= patience


def differs(app: Application) -> bool:
    """OutOfSync, and nobody is syncing it: the cluster has changed, or git has (A18)."""
    return app.sync is SyncStatus.OUT_OF_SYNC and bool(app.revision) and not app.under_way


def _began(app: Application) -> datetime | None:
    return app.operation.started_at if app.operation else None


def _no_later(at: datetime | None, now: datetime) -> datetime:
    return min(at, now) if at else now
