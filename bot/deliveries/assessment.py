"""Whether what was committed runs, and is Healthy: judged by the rule that promotions are followed by (A28-A34)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.deliveries.standing import ILL
from bot.domain.application import Application
from bot.domain.delivery import Committed, Fact, Judged
from bot.domain.overlay import Commit, OverlayImage
from bot.domain.promotion import Progress
from bot.ports import OverlaySource
from bot.promotions.arrival import Arrival, Evidence, arrival
from bot.promotions.containment import Containment, Line
from bot.promotions.evidence import evidence_of

DOUBT = timedelta(minutes=4)
"""longer than Argo CD's own poll (A32): what it says for so long is not corrected by looking again"""
YOUNG = timedelta(days=1)
"""a commit that is older waits for a person or a sync window: it is looked at when its Application changes"""
OVER = (Progress.HEALTHY, Progress.SUPERSEDED, Progress.NEVER_RAN)
"""there is no more to say then; a failure may still be fixed by another sync"""


@dataclass(frozen=True)
class CommittedLine:
    """An image entry as a commit has written it."""

    overlay: str
    before: OverlayImage
    after: OverlayImage

    @property
    def name(self) -> str:
        return self.after.name


@dataclass
class Case:
    """One commit in one Application, whose end is not known yet."""

    fact: Fact
    committed: Committed
    lines: tuple[CommittedLine, ...]
    contained: Containment
    since: dict[str, datetime] = field(default_factory=dict)
    """what was said, and since when it has been said without a break"""
    said: set[Progress] = field(default_factory=set)

    @property
    def over(self) -> bool:
        return not self.said.isdisjoint(OVER)


def open_case(fact: Fact, source: OverlaySource, clock: Callable[[], datetime]) -> Case:
    """Entries that pin nothing, or were removed, prove nothing: then the commit itself must be reached."""
    committed = fact.detail
    assert isinstance(committed, Committed)
    lines = tuple(
        CommittedLine(committed.overlay, change.before or change.after, change.after)
        for change in committed.images
        if change.after and (change.after.digest or change.after.tag)
    )
    commit = Commit(committed.sha, committed.author, committed.subject, fact.at, committed.url)
    touched = committed.paths[0] if committed.paths else committed.overlay
    return Case(fact, committed, lines, Containment(source, commit, lines, clock, touched))


async def judged(case: Case, app: Application, now: datetime, patience: timedelta) -> Judged | None:
    """What is certain now; None while it is under way. Raises IntegrationError while git is away.

    `patience`: how long what is ill during its rollout must be so.
    """
    evidence = await evidence_of(app, case.contained, case.lines, case.committed.sha)
    found = arrival(evidence)
    progress = _settled(case, found, app, now, patience)
    if progress is Progress.SUPERSEDED and not case.committed.unreadable and (at := await _was_there(case, app)):
        return Judged(case.committed.id, Progress.SYNCING, "It was synced, but nobody saw whether it was healthy.", at)
    if progress is None or progress in case.said:
        return None
    if progress is Progress.HEALTHY and case.committed.unreadable:
        return Judged(case.committed.id, Progress.NEVER_RAN, "Its overlay cannot be read at this commit.")
    return Judged(case.committed.id, progress, found.explanation, _synced_at(evidence))


def moment_of(case: Case, app: Application, verdict: Judged, now: datetime) -> datetime:
    """When it came to that, by Argo CD's clock where it tells; never before the commit, nor after now."""
    at, operation = verdict.synced_at or now, app.operation
    if verdict.progress is Progress.HEALTHY and verdict.synced_at and app.health_since:
        at = max(at, app.health_since)
    elif verdict.progress is Progress.FAILED and not verdict.synced_at and operation and operation.finished_at:
        at = operation.finished_at
    return min(max(at, case.fact.at), now)


def _settled(case: Case, found: Arrival, app: Application, now: datetime, patience: timedelta) -> Progress | None:
    """The end that it has come to; None for none. What may still change must last."""
    ill = found.progress is Progress.PROGRESSING and app.health in ILL
    waits = f"doubt {found.progress} {found.explanation}" if found.doubtful else "ill" if ill else ""
    case.since = {waits: case.since.get(waits, now)} if waits else {}
    if found.doubtful:
        return found.progress if now - case.since[waits] >= DOUBT else None
    if ill:
        return Progress.FAILED if now - case.since[waits] >= patience else None
    return found.progress if found.progress.final else None


def _synced_at(evidence: Evidence) -> datetime | None:
    operation = evidence.application.operation
    if operation and evidence.operation_is_ours and operation.succeeded:
        return operation.finished_at
    return None


async def _was_there(case: Case, app: Application) -> datetime | None:
    """When Argo CD had our line, by its history: it is told of an Application that nobody watched meanwhile (A20)."""
    for entry in app.history:
        if entry.deployed_at and (await case.contained.at(entry.revision)).line is Line.OURS:
            return entry.deployed_at
    return None
