"""Kubernetes events of an Application."""

from dataclasses import dataclass
from datetime import datetime

from integrations.argocd import wire


@dataclass(frozen=True)
class Event:
    """A Kubernetes event of an Application."""

    type: str
    reason: str
    message: str
    about: str
    count: int
    at: datetime | None


def event(e: wire.Event) -> Event:
    about = e.involved_object or wire.ObjectReference()
    return Event(
        type=e.type or "",
        reason=e.reason or "",
        message=e.message or "",
        about=f"{about.kind or ''}/{about.name or ''}",
        count=e.count or 1,
        at=e.last_timestamp or e.event_time or e.first_timestamp,
    )
