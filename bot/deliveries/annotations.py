"""Subscriptions that annotations of Argo CD's Applications ask for, as its own notifications would honour them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.deliveries.places import Place
from bot.domain.application import Application
from bot.domain.event import Event
from bot.domain.subscription import ANNOTATION, Scope, Subscription
from bot.store.subscriptions import SubscriptionStore

EVENTS = {
    "on-deployed": (Event.DEPLOYED, Event.DONE),
    "on-health-degraded": (Event.DEGRADED,),
    "on-sync-failed": (Event.DEPLOY_FAILED, Event.FAILED),
    "on-sync-running": (Event.DEPLOYED, Event.STARTED),
    "on-sync-succeeded": (Event.DEPLOYED, Event.DONE),
}
"""Argo CD's catalogue → ours. docs/deliveries.md has the table, with those that have nothing here."""
MOST = 60
"""subscriptions of one Application"""
CHANNEL = re.compile(r"[\w.-]{1,80}")
PERSONAL = re.compile(r"[UWD][A-Z0-9]{2,20}")
"""the id of a person, or of a conversation with one: no channel's name is in upper case"""


@dataclass
class AnnotatedSubscriptions:
    """Written down when they change; read once at the start, so that nothing is written for what is known."""

    store: SubscriptionStore
    _known: dict[Place, frozenset[Subscription]] = field(default_factory=dict)

    async def begin(self) -> None:
        """What is on record. Raises DatabaseAway."""
        known: dict[Place, set[Subscription]] = {}
        for one in await self.store.all():
            if one.by == ANNOTATION:
                known.setdefault((one.scope.app, one.scope.environment), set()).add(one)
        self._known = {place: frozenset(found) for place, found in known.items()}

    async def take(self, place: Place, app: Application) -> None:
        """Raises DatabaseAway."""
        found = frozenset(subscriptions(place, app.subscribed))
        if found == self._known.get(place, frozenset()):
            return
        await self.store.annotate(*place, sorted(found, key=lambda one: (one.listener, one.scope.event)))
        self._known[place] = found


def subscriptions(place: Place, annotated: Iterable[tuple[str, str]]) -> list[Subscription]:
    """Of pairs of trigger and recipient. Only channels are taken: people subscribe themselves."""
    found: dict[Subscription, None] = {}
    for trigger, recipient in annotated:
        channel = recipient.removeprefix("#")
        if CHANNEL.fullmatch(channel) and not PERSONAL.fullmatch(channel):
            for event in EVENTS.get(trigger, ()):
                found[Subscription(channel, Scope(*place, event), ANNOTATION)] = None
    return list(found)[:MOST]
