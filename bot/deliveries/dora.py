"""DORA's four figures, from the delivery record. Pure; docs/deliveries.md holds the definitions.

Each figure keeps the deployments that it was counted from, so that it can be traced.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.deliveries.builds import Pinned, builds, pinned, pins
from bot.deliveries.fold import deployments
from bot.domain.delivery import Cause, ChangeFailure, Deployment, Fact, Figures, LeadTime, Outcome

DEGRADED_WITHIN = timedelta(hours=1)
"""after it was Healthy: what falls ill later fell ill of something else"""
UNDONE_WITHIN = timedelta(hours=24)
"""in which going back to the images before counts as a failed change"""

LONGEST = timedelta(days=3653)
"""ago: what somebody may ask for"""
LOOK_BACK = timedelta(days=90)
"""before the time that is asked for, in which an image that is deployed in it may have been committed first"""


@dataclass(frozen=True)
class DeploymentRecord:
    """What the figures are counted from: deployments to all environments, and when what they pin was pushed."""

    deployments: tuple[Deployment, ...]
    pushed: Mapping[Pinned, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "DeploymentRecord":
        known = tuple(facts)
        pushed = {pin: build.pushed_at for build in builds(known) if build.pushed_at for pin in pins(build)}
        return cls(deployments(known), pushed)


def figures(
    record: DeploymentRecord, environment: str, since: datetime, now: datetime, apps: Sequence[str] = ()
) -> tuple[Figures, ...]:
    """One for each app, by name; `apps` () for all that were deployed there."""
    known = sorted(record.deployments, key=lambda one: one.at)
    begun = _Beginnings(record.pushed, known)
    places: dict[str, list[Deployment]] = defaultdict(list)
    for one in known:
        if one.environment == environment:
            places[one.app].append(one)
    wanted = sorted(apps or places)
    return tuple(_of_app(app, places.get(app, []), begun, since, now) for app in wanted)


def deployed(record: DeploymentRecord, environment: str, since: datetime) -> tuple[str, ...]:
    """The apps that were deployed there since then, by name."""
    there = (one for one in record.deployments if one.environment == environment and one.at >= since)
    return tuple(sorted({one.app for one in there}))


def together(parts: Sequence[Figures]) -> Figures:
    """Of several apps as if they were one."""
    return Figures(
        "all",
        parts[0].days if parts else 0.0,
        tuple(one for part in parts for one in part.deployments),
        tuple(one for part in parts for one in part.leads),
        tuple(one for part in parts for one in part.failures),
    )


class _Beginnings:
    """When the images of deployments began their way."""

    def __init__(self, pushed: Mapping[Pinned, datetime], every: Iterable[Deployment]) -> None:
        self._pushed = pushed
        self._first: dict[Pinned, datetime] = {}
        """when each was first committed, to whichever environment"""
        for one in every:
            for pin in _brings(one):
                self._first[pin] = min(self._first.get(pin, one.at), one.at)

    def lead(self, one: Deployment, new: Iterable[Pinned]) -> LeadTime | None:
        """Of the newest image that it brings. A push that is later than the pin it led to has a wrong clock."""
        if one.healthy_at is None:
            return None
        times = [self._of(pin) for pin in new]
        since, pushed = max(times, default=(None, False))
        return LeadTime(one, since, one.healthy_at, pushed) if since else None

    def _of(self, pin: Pinned) -> tuple[datetime, bool]:
        first, pushed = self._first[pin], self._pushed.get(pin)
        return (pushed, True) if pushed and pushed <= first else (first, False)


def _of_app(app: str, there: list[Deployment], begun: _Beginnings, since: datetime, now: datetime) -> Figures:
    counted = [one for one in there if one.at >= since and _counts(one)]
    new = _new_images(there)
    leads = tuple(lead for one in counted if (lead := begun.lead(one, new[one])))
    failures = tuple(found for one in counted if (found := _failure(one, there)))
    return Figures(app, (now - since) / timedelta(days=1), tuple(counted), leads, failures)


def _new_images(there: Iterable[Deployment]) -> dict[Deployment, tuple[Pinned, ...]]:
    """What each deployment brought that had not run there before: going back brings no change."""
    ran: set[Pinned] = set()
    tried: set[Pinned] = set()
    new: dict[Deployment, tuple[Pinned, ...]] = {}
    for one in there:
        replaced = {pinned(one.app, image.before) for image in one.images if image.before}
        ran |= replaced - tried
        brought = _brings(one)
        new[one] = () if _goes_back(one) else tuple(pin for pin in brought if pin not in ran)
        tried.update(brought)
        if one.outcome in (Outcome.HEALTHY, Outcome.SYNCED):
            ran.update(brought)
    return new


def _brings(one: Deployment) -> tuple[Pinned, ...]:
    return tuple(pinned(one.app, image.after) for image in one.images if image.after)


def _counts(one: Deployment) -> bool:
    """It changed images, and it reached the environment, well or not."""
    reached = (Outcome.HEALTHY, Outcome.SYNCED, Outcome.FAILED)
    return bool(one.images) and one.outcome in reached


def _failure(one: Deployment, there: list[Deployment]) -> ChangeFailure | None:
    after = [later for later in there if later.at > one.at]
    if one.outcome is Outcome.FAILED:
        return ChangeFailure(one, "it failed", one.ended_at or one.at, _restored(one, after, one.ended_at or one.at))
    if one.degraded_at and one.healthy_at and one.degraded_at - one.healthy_at <= DEGRADED_WITHIN:
        return ChangeFailure(one, "it turned Degraded", one.degraded_at, _restored(one, after, one.degraded_at))
    undone = next((later for later in after if _undoes(later, one, after[0])), None)
    if undone and undone.at - one.at <= UNDONE_WITHIN:
        return ChangeFailure(one, "it was rolled back", undone.at, undone.healthy_at)
    return None


def _restored(one: Deployment, after: list[Deployment], failed_at: datetime) -> datetime | None:
    """When it was well again: by itself, or by a later deployment."""
    own = (one.recovered_at, one.healthy_at)
    times = [time for time in (*own, *(later.healthy_at for later in after)) if time and time > failed_at]
    return min(times, default=None)


def _undoes(later: Deployment, one: Deployment, following: Deployment) -> bool:
    """Whether it puts back what the other one replaced; an automatic rollback undoes what it follows, and no more."""
    if later.cause is Cause.ROLLBACK:
        return later is following
    before = {image.name: image.before for image in one.images}
    return bool(later.images) and all(
        image.after is not None and before.get(image.name) == image.after for image in later.images
    )


def _goes_back(one: Deployment) -> bool:
    return one.cause in (Cause.ROLLBACK, Cause.ARGOCD)
