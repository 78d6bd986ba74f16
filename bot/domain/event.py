"""What is told: about a promotion, and about what holds promotions back."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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


class Routing(StrEnum):
    """Which routes of the policy lead an event to a channel."""

    ANY = "yes"
    LOUD = "yes; by `*` only production and the last environment"
    NAMED = "only by its name, not by `*`"
    NONE = "no"


@dataclass(frozen=True)
class Hearing:
    """Who hears of an event without a route, and which routes add channels; `instead`: what to do where none does."""

    default: str
    routing: Routing = Routing.ANY
    instead: str = ""


_CARD = "the thread of the card, and the app's channel"
_ENDED = f"{_CARD}; the requester, by direct message"
_DEED = "the default channel, else the one where it was requested; and the app's channel"
_SENT = "the app's channel, else the default one"
_CAREFUL = "production and the last environment: the app's channel, else the default one"
HEARINGS: Mapping[Event, Hearing] = {
    Event.STARTED: Hearing("the card, and the app's channel"),
    Event.WAITING: Hearing(f"{_CARD}; approvers, by direct message"),
    Event.DONE: Hearing(_ENDED),
    Event.FAILED: Hearing(_ENDED),
    Event.ABORTED: Hearing(_ENDED),
    Event.LOCKED: Hearing(_DEED),
    Event.UNLOCKED: Hearing(_DEED),
    Event.LOCK_ENDING: Hearing("the owner of the lock, by direct message", Routing.NAMED),
    Event.LOCK_FREE: Hearing(
        "those who waited for it, by direct message",
        Routing.NONE,
        "route `unlocked`, which says the same to a channel",
    ),
    Event.FROZEN: Hearing(_DEED),
    Event.UNFROZEN: Hearing(_DEED),
    Event.IMAGE_REJECTED: Hearing(_DEED),
    Event.IMAGE_CLEARED: Hearing(_DEED),
    Event.REVIEW_OWED: Hearing("the default channel, and the app's channel"),
    Event.REVIEWED: Hearing(_DEED),
    Event.DELEGATED: Hearing("the delegate, by direct message", Routing.NAMED),
    Event.ALERT: Hearing(_SENT),
    Event.PIPELINE_FAILED: Hearing(_SENT),
    Event.PIPELINE_ENDED: Hearing("the person who started the run, in the thread of its message", Routing.NAMED),
    Event.SYNCED: Hearing(_DEED),
    Event.DEPLOYED: Hearing(f"{_CAREFUL}; elsewhere its author, by direct message", Routing.LOUD),
    Event.DEPLOY_FAILED: Hearing(_SENT),
    Event.DEGRADED: Hearing(_SENT),
    Event.DRIFTED: Hearing(_CAREFUL, Routing.LOUD),
    Event.SYNC_UNKNOWN: Hearing(_CAREFUL, Routing.LOUD),
    Event.JOURNEY: Hearing("the author of the commit, by direct message", Routing.NAMED),
}
"""One row for each event: the policy's reference and `policy check` say what stands here."""
