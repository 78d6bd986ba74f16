"""An alert about delivery, as people hear of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Alert:
    """One episode of an alert: from `started_at` until `ended_at`, which is None while it fires.

    `fingerprint` is Alertmanager's name for the set of labels; the next episode has the same one. `url` leads to what
    the alert was computed from, `runbook` to what to do.
    """

    fingerprint: str
    name: str
    started_at: datetime
    ended_at: datetime | None = None
    severity: str = ""
    app: str = ""
    environment: str = ""
    pipeline: str = ""
    run: str = ""
    application: str = ""
    summary: str = ""
    description: str = ""
    url: str = ""
    runbook: str = ""

    @property
    def firing(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True)
class AlertGroup:
    """What Alertmanager sends at once: alerts that it has grouped, under the group's key and the receiver's name.

    `key` "": it names no group, and each alert stands for itself. `left_out`: how many it has left out of the message;
    `unreadable`: how many of those in it make no sense.
    """

    key: str
    alerts: tuple[Alert, ...]
    left_out: int = 0
    unreadable: int = 0
