"""Who hears of which news beside those whom policy names, and who does not for a while."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.event import Event

OF_PROMOTIONS = (Event.STARTED, Event.DONE, Event.FAILED, Event.ABORTED)
"""told on a promotion's card; subscribers hear of them as well"""
SUBSCRIBABLE = (
    Event.DEPLOYED, Event.DEPLOY_FAILED, Event.DEGRADED, Event.DRIFTED, Event.SYNC_UNKNOWN, *OF_PROMOTIONS
)  # fmt: skip
ANNOTATION = "argocd"
"""in place of a person: an annotation of an Argo CD Application"""


class ChannelChange(StrEnum):
    """What somebody has changed in what a channel hears."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    MUTED = "muted"
    UNMUTED = "unmuted"


@dataclass(frozen=True)
class Scope:
    """News of an app, in an environment, of one kind; "" stands for every one."""

    app: str = ""
    environment: str = ""
    event: str = ""

    def covers(self, app: str, environment: str, event: str) -> bool:
        return self.app in ("", app) and self.environment in ("", environment) and self.event in ("", event)


@dataclass(frozen=True)
class Subscription:
    """`listener` is the id of a person or a channel, or a channel's name. `by`: who said so, by id, or ANNOTATION."""

    listener: str
    scope: Scope
    by: str

    def covers(self, app: str, environment: str, event: str) -> bool:
        return event in SUBSCRIBABLE and self.scope.covers(app, environment, event)


@dataclass(frozen=True)
class NewsMute:
    """Until then (UTC) the listener hears no news of it. `by`: who said so, by id; "" where that is not on record."""

    listener: str
    scope: Scope
    until: datetime
    by: str = ""
