"""Subscriptions by annotations of Argo CD's Applications and AppProjects, as its own notifications honour them."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from bot.deliveries.application_names import Place
from bot.domain.application import Application
from bot.domain.errors import IntegrationError, Refused
from bot.domain.event import Event
from bot.domain.subscription import ANNOTATION, Scope, Subscription
from bot.ports import ApplicationProjects
from bot.store.subscriptions import SubscriptionStore

EVENTS = {
    "on-deployed": (Event.DEPLOYED, Event.DONE),
    "on-health-degraded": (Event.DEGRADED,),
    "on-sync-failed": (Event.DEPLOY_FAILED, Event.FAILED),
    "on-sync-running": (Event.DEPLOYED, Event.STARTED),
    "on-sync-status-unknown": (Event.SYNC_UNKNOWN,),
    "on-sync-succeeded": (Event.DEPLOYED, Event.DONE),
}
"""Argo CD's catalogue → ours. docs/deliveries.md has the table."""
WITHOUT_EVENT = ("on-created", "on-deleted")
"""of the catalogue, too; nothing here corresponds to them"""
Pairs = tuple[tuple[str, str], ...]
log = structlog.get_logger(__name__)
AT_ONCE = 8
"""projects: an Argo CD that is away holds the observer up for a few questions, not for all"""
MOST_SAID = 1000
"""annotations without effect that are logged"""
MOST_NAMED = 50
"""Applications that have the same one: more are counted"""
MOST = 60
"""subscriptions of one Application"""
CHANNEL = re.compile(r"[\w.-]{1,80}")
PERSONAL = re.compile(r"[UWD][A-Z0-9]{2,20}")
"""the id of a person, or of a conversation with one: no channel's name is in upper case"""


@dataclass
class AnnotatedSubscriptions:
    """Written down when they change; read once at the start, so that nothing is written for what is known.

    An AppProject's are those of each of its Applications, too, as with Argo CD's own controller. What a project says is
    not in the stream: it is asked for now and then. Until it has answered, nothing that is known is taken away.
    """

    store: SubscriptionStore
    projects: ApplicationProjects
    environment: str
    """one that the Argo CD serves"""
    _known: dict[Place, frozenset[Subscription]] = field(default_factory=dict)
    _changed: dict[Place, frozenset[Subscription]] = field(default_factory=dict)
    """what is to be written"""
    _asked_for: dict[str, Pairs | None] = field(default_factory=dict)
    """by project, what its annotations say; None where it has not answered yet"""
    _new: set[str] = field(default_factory=set)
    _without_effect: dict[tuple[str, str], set[Place]] = field(default_factory=dict)
    """annotations that subscribe nobody, and who has them, of what is to be written"""
    _said: dict[tuple[str, str], set[Place]] = field(default_factory=dict)
    """what was logged, so that it is said once"""

    async def begin(self) -> None:
        """What is on record. What projects said is forgotten: it may be old. Raises DatabaseAway."""
        self._asked_for.clear()
        self._new.clear()
        self._changed.clear()
        known: dict[Place, set[Subscription]] = {}
        for one in await self.store.all():
            if one.by == ANNOTATION:
                known.setdefault((one.scope.app, one.scope.environment), set()).add(one)
        self._known = {place: frozenset(found) for place, found in known.items()}

    @property
    def has_new(self) -> bool:
        """Whether there is a project that nobody has asked for yet."""
        return bool(self._new)

    async def ask(self) -> frozenset[str]:
        """The projects that say something else than before. One that does not answer says what it said."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(project: str) -> Pairs | None:
            async with turns:
                return await self._ask(project)

        self._new.clear()
        before = dict(self._asked_for)
        answers = zip(before, await asyncio.gather(*map(ask, before)), strict=True)
        changed = {project: found for project, found in answers if found is not None and found != before[project]}
        self._asked_for.update(changed)
        return frozenset(changed)

    async def _ask(self, project: str) -> Pairs | None:
        """None where it does not answer. What the bot may not read, and never could, asks for nothing."""
        try:
            return await self.projects.subscribed(self.environment, project)
        except IntegrationError as error:
            log.info("deliveries.project_not_read", project=project, error=str(error))
            return () if isinstance(error, Refused) and self._asked_for[project] is None else None

    def _of_project(self, project: str) -> Pairs | None:
        if not project:
            return ()
        if project not in self._asked_for:
            self._new.add(project)
        return self._asked_for.setdefault(project, None)

    def take(self, place: Place, app: Application) -> None:
        """What it says counts when it is written (`write`)."""
        known = self._known.get(place, frozenset())
        of_project = self._of_project(app.ref.project)
        annotated = (*app.subscribed, *(of_project or ()))
        for pair in not_understood(annotated):
            self._without_effect.setdefault(pair, set()).add(place)
        found = frozenset(subscriptions(place, annotated))
        if of_project is None:
            found |= known
        self._changed.pop(place, None)
        if found != known:
            self._changed[place] = found

    async def write(self) -> None:
        """What was taken and is not on record. Raises DatabaseAway."""
        self._say_what_has_no_effect()
        changed, self._changed = self._changed, {}
        if changed:
            await self.store.annotate({place: sorted(found, key=_order) for place, found in changed.items()})
            self._known.update(changed)

    def _say_what_has_no_effect(self) -> None:
        """One line for each annotation, with the Applications that have it: one of a project has many."""
        found, self._without_effect = self._without_effect, {}
        for (trigger, recipient), places in found.items():
            if (trigger, recipient) not in self._said and len(self._said) >= MOST_SAID:
                continue
            said = self._said.setdefault((trigger, recipient), set())
            new = sorted(places - said)
            named = new[: MOST_NAMED - len(said)]
            said.update(named)
            if named:
                log.warning(
                    "deliveries.annotation_without_effect", trigger=trigger, recipient=recipient[:80],
                    apps=[" in ".join(place) for place in named], more=len(new) - len(named),
                )  # fmt: skip


def _order(one: Subscription) -> tuple[str, str]:
    return one.listener, one.scope.event


def not_understood(annotated: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Triggers that are not of Argo CD's catalogue, and recipients that are no channel."""
    known = (*EVENTS, *WITHOUT_EVENT)
    return [(trigger, recipient) for trigger, recipient in annotated if trigger not in known or not _channel(recipient)]


def _channel(recipient: str) -> str:
    """ "" where it cannot be one."""
    name = recipient.removeprefix("#")
    return name if CHANNEL.fullmatch(name) and not PERSONAL.fullmatch(name) else ""


def subscriptions(place: Place, annotated: Iterable[tuple[str, str]]) -> list[Subscription]:
    """Of pairs of trigger and recipient. Only channels are taken: people subscribe themselves."""
    found: dict[Subscription, None] = {}
    for trigger, recipient in annotated:
        if channel := _channel(recipient):
            for event in EVENTS.get(trigger, ()):
                found[Subscription(channel, Scope(*place, event), ANNOTATION)] = None
    return list(found)[:MOST]
