"""Has a commit arrived? Pure: what Argo CD and git say goes in; how far it is, and why it is not further, comes out.

One field is never proof (A28): the commit that Argo CD is at holds our line, the sync was of that line, the Pods run
our images, and health was told after that sync. What contradicts that is told as what it is.
"""

from dataclasses import dataclass

from bot.domain.application import Application, HealthStatus, Operation, SyncStatus
from bot.domain.image import Runs
from bot.domain.promotion import Progress
from bot.domain.sentence import shortened
from bot.promotions.containment import Held, Line

MOST_NAMED = 3
ILL = (HealthStatus.DEGRADED, HealthStatus.MISSING)


@dataclass(frozen=True)
class Evidence:
    """What is known of one Application on its way to our commit."""

    application: Application
    at: Held
    """what the commit says that it was compared with"""
    synced: Held
    """what the commit says that the newest operation is of"""
    runs: Runs
    """whether our images run, all of them"""
    instead: str = ""
    """the images that are listed in their place"""
    wanted: str = ""
    """our images, as people call them"""
    was_synced: bool = False
    """whether an earlier sync of our line succeeded (A20)"""

    @property
    def operation_is_ours(self) -> bool:
        return self.application.operation is not None and self.synced.line is Line.OURS


@dataclass(frozen=True)
class Arrival:
    """`doubtful`: Argo CD is asked to look again before it is believed (A28); until then it counts as `meanwhile`."""

    progress: Progress
    explanation: str = ""
    doubtful: bool = False

    @property
    def meanwhile(self) -> Progress:
        return Progress.WAITING if self.doubtful else self.progress


def arrival(evidence: Evidence) -> Arrival:
    """How far it is. Degraded is told as Progressing here: how often that must be seen is not for one look to say."""
    app, operation = evidence.application, evidence.application.operation
    if evidence.at.line is Line.BEFORE:
        return Arrival(Progress.WAITING, _not_there(evidence))
    if evidence.at.line is Line.REPLACED:
        return Arrival(Progress.SUPERSEDED, _replaced(evidence.at))
    if running := app.under_way:
        return _under_way(evidence, running)
    if not app.settled:
        return Arrival(Progress.SYNCING, "Argo CD has not looked at it since the sync.")
    if operation and operation.failed and evidence.operation_is_ours:
        return _failed(evidence, operation)
    return _standing(evidence)


def _under_way(evidence: Evidence, operation: Operation) -> Arrival:
    if evidence.operation_is_ours:
        return Arrival(Progress.SYNCING, f"Retrying: {failure(operation)}" if operation.retrying else "")
    return Arrival(Progress.WAITING, _busy(operation))


def _failed(evidence: Evidence, operation: Operation) -> Arrival:
    if evidence.was_synced and evidence.runs is Runs.YES and evidence.application.health is HealthStatus.HEALTHY:
        later = f"The sync of the later commit {operation.revision[:7]} failed: {failure(operation)}"
        return Arrival(Progress.HEALTHY, later)
    return Arrival(Progress.FAILED, f"The sync failed: {failure(operation)}")


def _standing(evidence: Evidence) -> Arrival:
    """No sync runs, and none of ours has failed."""
    app = evidence.application
    if app.sync is SyncStatus.UNKNOWN:
        return Arrival(Progress.WAITING, error(app) or "Argo CD cannot compare the Application with git.")
    if app.sync is SyncStatus.OUT_OF_SYNC and not evidence.operation_is_ours:
        return Arrival(Progress.WAITING, _not_synced(app))
    if evidence.runs is Runs.YES:
        return _running(app)
    if app.health is HealthStatus.PROGRESSING or (app.health in ILL and evidence.operation_is_ours):
        return Arrival(Progress.PROGRESSING, app.health_message)
    if evidence.runs is Runs.UNSEEN:
        return Arrival(Progress.WAITING, error(app) or _unseen(evidence))
    return Arrival(Progress.NEVER_RAN, error(app) or _never_ran(evidence), doubtful=True)


def _running(app: Application) -> Arrival:
    match app.health:
        case HealthStatus.HEALTHY if app.sync is SyncStatus.SYNCED:
            return Arrival(Progress.HEALTHY)
        case HealthStatus.HEALTHY:
            return Arrival(Progress.HEALTHY, _drift(app), doubtful=True)
        case HealthStatus.SUSPENDED:
            why = app.health_message or "a rollout is paused, or a job is suspended"
            return Arrival(Progress.WAITING, f"It is Suspended: {why}. Resume it in Argo CD.")
        case HealthStatus.UNKNOWN:
            return Arrival(Progress.WAITING, app.health_message or "Argo CD does not know its health.")
        case _:
            return Arrival(Progress.PROGRESSING, app.health_message)


def failure(operation: Operation) -> str:
    """What could not be applied, hooks by name (A33); else what the operation says of itself."""
    if not operation.failures:
        return operation.message or "Argo CD gives no reason."
    more = len(operation.failures) - MOST_NAMED
    told = "; ".join(str(one) for one in operation.failures[:MOST_NAMED])
    return f"{told} (and {more} more)" if more > 0 else told


def error(app: Application) -> str:
    """The first condition that is an error; warnings explain no waiting."""
    return next((text for text in app.conditions if text.partition(":")[0].endswith("Error")), "")


def _not_there(evidence: Evidence) -> str:
    app, operation = evidence.application, evidence.application.operation
    if operation and operation.retrying:
        return _busy(operation)
    at = f"is at {app.revision[:7]} and" if app.revision else "has not compared the Application with git and"
    return error(app) or f"Argo CD {at} has not seen our commit yet."


def _busy(operation: Operation) -> str:
    """Somebody else's sync, or the retries of a commit before ours (A31, A34)."""
    of = operation.revision[:7] or "another commit"
    if operation.retrying:
        return (
            f"Argo CD keeps retrying {of}, which fails: {failure(operation)} Our commit waits until those retries are "
            "used up. To skip them, terminate that sync in Argo CD, or set `syncPolicy.retry.refresh: true`."
        )
    return f"Argo CD is still syncing {of}. Our commit comes next."


def _replaced(held: Held) -> str:
    if held.by is None:
        return f"A later commit changed the line to {held.instead}, and Argo CD is past ours."
    by = held.by
    where = f"in {by.short} ({by.headline})"
    return f"{by.author.name} changed the line to {held.instead} {where}, and Argo CD is past ours."


def _not_synced(app: Application) -> str:
    if said := error(app):
        return said
    if app.to_prune and set(app.out_of_sync) <= set(app.to_prune):
        left = shortened(app.to_prune, MOST_NAMED)
        return f"Only pruning is left, and Argo CD does not prune automatically here: {left}."
    return "It is OutOfSync, and Argo CD has not started the sync of our commit yet."


def _drift(app: Application) -> str:
    what = shortened(app.out_of_sync, MOST_NAMED) or "a resource that Argo CD does not name"
    return f"The image runs; something else in the Application drifts from git: {what}."


def _unseen(evidence: Evidence) -> str:
    shown = f"lists only {evidence.instead}" if evidence.instead else "lists no running image"
    return f"Argo CD {shown}, so nothing shows that {evidence.wanted} runs. Is it scaled to zero?"


def _never_ran(evidence: Evidence) -> str:
    return (
        f"Argo CD reports {evidence.application.sync}, but {evidence.instead} runs, not {evidence.wanted}. The "
        "overlay's entry may match no image of the base: compare its `name` with the image's name in the base."
    )
