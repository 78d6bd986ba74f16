"""Who hears of each event, as the policy's reference tells it."""

from collections.abc import Mapping

from bot.domain.event import Event, Routing

ROUTED: Mapping[Routing, str] = {
    Routing.ANY: "yes",
    Routing.LOUD: "yes; by `*` only production and the last environment",
    Routing.NAMED: "only by its name, not by `*`",
    Routing.NONE: "no",
}
_CARD = "the thread of the card, and the app's channel"
_ENDED = f"{_CARD}; the requester, by direct message"
_DEED = "the default channel, else the one where it was requested; and the app's channel"
_SENT = "the app's channel, else the default one"
_CAREFUL = "production and the last environment: the app's channel, else the default one"
WITHOUT_ROUTE: Mapping[Event, str] = {
    Event.STARTED: "the card, and the app's channel",
    Event.WAITING: f"{_CARD}; approvers, by direct message",
    Event.DONE: _ENDED,
    Event.FAILED: _ENDED,
    Event.ABORTED: _ENDED,
    Event.LOCKED: f"{_DEED}; the owner from whom it was taken over, by direct message",
    Event.UNLOCKED: f"{_DEED}; the owner of the lock, by direct message, when it expires or somebody else releases it",
    Event.LOCK_ENDING: "the owner of the lock, by direct message",
    Event.LOCK_FREE: "those who waited for it, by direct message",
    Event.FROZEN: _DEED,
    Event.UNFROZEN: _DEED,
    Event.IMAGE_REJECTED: _DEED,
    Event.IMAGE_CLEARED: _DEED,
    Event.REVIEW_OWED: "the default channel, and the app's channel",
    Event.REVIEWED: _DEED,
    Event.DELEGATED: "the delegate, by direct message",
    Event.ALERT: _SENT,
    Event.PIPELINE_FAILED: _SENT,
    Event.PIPELINE_ENDED: "the person who started the run, in the thread of its message",
    Event.SYNCED: _DEED,
    Event.DEPLOYED: f"{_CAREFUL}; elsewhere its author, by direct message",
    Event.DEPLOY_FAILED: _SENT,
    Event.DEGRADED: _SENT,
    Event.DRIFTED: _CAREFUL,
    Event.SYNC_UNKNOWN: _CAREFUL,
    Event.JOURNEY: "the author of the commit, by direct message",
}
