"""What is told: about a promotion, and about what holds promotions back."""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto


class Event(StrEnum):
    """The words that routes in `pilothouse.yaml` use; `failed` covers Failed and Errored."""

    STARTED = "started"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    LOCK_ENDING = "lock-ending"
    """it ends soon, or is still there"""
    LOCK_FREE = "lock-free"
    """to whoever asked to be told"""
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"
    IMAGE_REJECTED = "image-rejected"
    IMAGE_CLEARED = "image-cleared"
    REVIEW_OWED = "review-owed"
    REVIEWED = "reviewed"
    DELEGATED = "delegated"
    ALERT = "alert"
    """Alertmanager says that something is wrong with the app, or that it is over"""
    PIPELINE_FAILED = "pipeline-failed"
    PIPELINE_ENDED = "pipeline-ended"
    """whatever its end"""
    SYNCED = "synced"
    """somebody had Argo CD sync an app, or stop the sync of one, through Pilothouse"""
    DEPLOYED = "deployed"
    """an app was changed without Pilothouse: by hand, or by the pipeline"""
    DEPLOY_FAILED = "deploy-failed"
    """and what was changed so does not run, or is not well"""
    DEGRADED = "degraded"
    """an Application has been unwell for a while"""
    DRIFTED = "drifted"
    """the cluster differs from git though nothing was committed"""
    SYNC_UNKNOWN = "sync-unknown"
    """Argo CD has been unable to compare an Application with git for a while"""
    JOURNEY = "journey"
    """a commit on its way from the push to the last environment, in one message"""

    @property
    def final(self) -> bool:
        return self in (Event.DONE, Event.FAILED, Event.ABORTED)


class Routing(Enum):
    """Which routes of the policy lead an event to a channel."""

    ANY = auto()
    LOUD = auto()
    """by `*` only of production and the last environment"""
    NAMED = auto()
    """only by its name, not by `*`"""
    NONE = auto()


_UNUSUAL = {
    Event.LOCK_ENDING: Routing.NAMED,
    Event.LOCK_FREE: Routing.NONE,
    Event.DELEGATED: Routing.NAMED,
    Event.PIPELINE_ENDED: Routing.NAMED,
    Event.DEPLOYED: Routing.LOUD,
    Event.DRIFTED: Routing.LOUD,
    Event.SYNC_UNKNOWN: Routing.LOUD,
    Event.JOURNEY: Routing.NAMED,
}
ROUTING: Mapping[Event, Routing] = {event: _UNUSUAL.get(event, Routing.ANY) for event in Event}
OF_RUNS = (Event.PIPELINE_FAILED, Event.PIPELINE_ENDED)
"""they happen in the first environment, which pipelines write"""
