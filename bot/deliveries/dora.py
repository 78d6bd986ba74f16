"""DORA's four figures, from the delivery record. Pure; docs/deliveries.md holds the definitions.

Each figure keeps the deployments that it was counted from, so that it can be traced.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.deliveries.builds import Pinned, builds, pinned, pins
from bot.deliveries.failures import failures
from bot.deliveries.fold import deployments
from bot.domain.build import Pushed
from bot.domain.delivery import FIXED_WITHIN, Cause, Deployment, Fact, Figures, LeadTime, Outcome

Branch = tuple[str, str]
"""an app, and a repository that it is built from"""
A_DAY = timedelta(days=1)
LONGEST = timedelta(days=3653)
"""ago: what somebody may ask for"""
LOOK_BACK = timedelta(days=90)
"""before the time that is asked for, in which an image that is deployed in it may have been committed first"""


@dataclass(frozen=True)
class SourcePush:
    """Source commits of an app that came onto the default branch."""

    app: str
    at: datetime
    pushed: Pushed


@dataclass(frozen=True)
class DeploymentRecord:
    """What the figures are counted from: deployments to all environments, and when what they pin was pushed."""

    deployments: tuple[Deployment, ...]
    pushed: Mapping[Pinned, SourcePush] = field(default_factory=dict)
    """of the source commit that an image was built from"""
    pushes: tuple[SourcePush, ...] = ()
    """all of them, oldest first"""
    fixed_within: timedelta = FIXED_WITHIN
    """of a deployment: when a commit that says it fixes what came with it makes it a failed change"""

    @classmethod
    def of(cls, facts: Iterable[Fact], fixed_within: timedelta = FIXED_WITHIN) -> "DeploymentRecord":
        known = tuple(facts)
        pushed: dict[Pinned, SourcePush] = {}
        for build in builds(known):
            if build.push and build.pushed_at:
                pushed |= dict.fromkeys(pins(build), SourcePush(build.app, build.pushed_at, build.push))
        every = [SourcePush(fact.app, fact.at, fact.detail) for fact in known if isinstance(fact.detail, Pushed)]
        return cls(deployments(known), pushed, _first_of_each(every), fixed_within)


def _first_of_each(pushes: Iterable[SourcePush]) -> tuple[SourcePush, ...]:
    """A commit is pushed once; facts may be there twice. Oldest first."""
    found: dict[tuple[str, str, str], SourcePush] = {}
    for one in sorted(pushes, key=lambda one: (one.at, one.app, one.pushed.sha)):
        found.setdefault((one.app, one.pushed.repository, one.pushed.sha), one)
    return tuple(found.values())


def figures(
    record: DeploymentRecord,
    environment: str,
    since: datetime,
    now: datetime,
    apps: Sequence[str] = (),
    known_since: datetime | None = None,
) -> tuple[Figures, ...]:
    """One for each app, by name; `apps` () for all that were deployed there. `known_since`: when the record begins."""
    known = sorted(record.deployments, key=lambda one: one.at)
    begun = _Beginnings(record, known)
    places: dict[str, list[Deployment]] = defaultdict(list)
    for one in known:
        if one.environment == environment:
            places[one.app].append(one)
    wanted = sorted(apps or places)
    within = record.fixed_within
    counted = (_of_app(app, places.get(app, []), begun, since, now, within) for app in wanted)
    days = _days(since, now, known_since)
    return tuple(replace(one, environment=environment, days=days) for one in counted)


def _days(since: datetime, now: datetime, known_since: datetime | None) -> float:
    """Those that are asked for, as far as the record covers them; of a record of some hours a whole day."""
    asked = now - since
    covered = asked if known_since is None or known_since <= since else max(now - known_since, min(asked, A_DAY))
    return covered / A_DAY


def deployed(record: DeploymentRecord, environment: str, since: datetime) -> tuple[str, ...]:
    """The apps that were deployed there since then, by name."""
    there = (one for one in record.deployments if one.environment == environment and one.at >= since)
    return tuple(sorted({one.app for one in there}))


def together(parts: Sequence[Figures]) -> Figures:
    """Of several apps as if they were one, and of several environments as if they were one."""
    places = {part.environment for part in parts}
    return Figures(
        "all",
        parts[0].days if parts else 0.0,
        tuple(one for part in parts for one in part.deployments),
        tuple(one for part in parts for one in part.leads),
        tuple(one for part in parts for one in part.failures),
        environment=places.pop() if len(places) == 1 else "",
    )


class _Beginnings:
    """When what deployments bring began its way."""

    def __init__(self, record: DeploymentRecord, every: Iterable[Deployment]) -> None:
        self._pushed = record.pushed
        self._pushes: dict[Branch, list[SourcePush]] = defaultdict(list)
        for push in record.pushes:
            self._pushes[push.app, push.pushed.repository].append(push)
        self._first: dict[Pinned, datetime] = {}
        """when each was first committed, to whichever environment"""
        for one in every:
            for pin in _brings(one):
                self._first[pin] = min(self._first.get(pin, one.at), one.at)

    def push(self, pin: Pinned) -> SourcePush | None:
        """Of the commit that it was built from. A push that is later than the pin it led to has a wrong clock."""
        push = self._pushed.get(pin)
        return push if push and push.at <= self._first.get(pin, push.at) else None

    def leads(self, one: Deployment, brought: "_Brought") -> list[LeadTime]:
        """Of each push that it brings; else of the newest image, from the first commit that pinned it."""
        if one.healthy_at is None or not brought.pins:
            return []
        of_pins = (self._to(own, brought) for pin in brought.pins if (own := self.push(pin)))
        if pushes := _first_of_each(push for found in of_pins for push in found):
            return [_lead(one, one.healthy_at, push) for push in pushes]
        return [LeadTime(one, max(self._first[pin] for pin in brought.pins), one.healthy_at)]

    def _to(self, own: SourcePush, brought: "_Brought") -> list[SourcePush]:
        """What was pushed after the newest that ran there, up to this one. Without one that ran: this one alone."""
        branch = (own.app, own.pushed.repository)
        ran = brought.ran_to.get(branch)
        if ran is None:
            return [own]
        return [push for push in self._pushes[branch] if ran < push.at <= own.at]


def _lead(one: Deployment, until: datetime, push: SourcePush) -> LeadTime:
    return LeadTime(one, push.at, until, pushed=True, revision=push.pushed.sha, commits=max(1, push.pushed.count))


def _of_app(
    app: str, there: list[Deployment], begun: _Beginnings, since: datetime, now: datetime, fixed_within: timedelta
) -> Figures:
    counted = [one for one in there if one.at >= since and _counts(one)]
    brought = _brought(there, begun)
    leads = tuple(lead for one in counted for lead in begun.leads(one, brought[one]))
    failed = failures(there, counted, fixed_within)
    return Figures(app, (now - since) / timedelta(days=1), tuple(counted), leads, failed)


@dataclass(frozen=True)
class _Brought:
    """`pins`: what a deployment brought that had not run there before: going back brings no change.

    `ran_to`: by source branch, the newest push that had run there.
    """

    pins: tuple[Pinned, ...]
    ran_to: Mapping[Branch, datetime]


def _brought(there: Iterable[Deployment], begun: _Beginnings) -> dict[Deployment, _Brought]:
    ran: set[Pinned] = set()
    ran_to: dict[Branch, datetime] = {}
    tried: set[Pinned] = set()
    found: dict[Deployment, _Brought] = {}

    def runs(pins: Iterable[Pinned]) -> None:
        for pin in pins:
            ran.add(pin)
            if push := begun.push(pin):
                branch = (push.app, push.pushed.repository)
                ran_to[branch] = max(ran_to.get(branch, push.at), push.at)

    for one in there:
        runs({pinned(one.app, image.before) for image in one.images if image.before} - tried)
        brought = _brings(one)
        new = () if _goes_back(one) else tuple(pin for pin in brought if pin not in ran)
        found[one] = _Brought(new, dict(ran_to))
        tried.update(brought)
        if one.outcome in (Outcome.HEALTHY, Outcome.SYNCED):
            runs(brought)
    return found


def _brings(one: Deployment) -> tuple[Pinned, ...]:
    return tuple(pinned(one.app, image.after) for image in one.images if image.after)


def _counts(one: Deployment) -> bool:
    """It changed images, and it reached the environment, well or not."""
    reached = (Outcome.HEALTHY, Outcome.SYNCED, Outcome.FAILED)
    return bool(one.images) and one.outcome in reached


def _goes_back(one: Deployment) -> bool:
    return one.cause in (Cause.ROLLBACK, Cause.ARGOCD)
