"""DORA's four figures, from the delivery record. Pure; docs/deliveries.md holds the definitions.

Each figure keeps the deployments that it was counted from, so that it can be traced.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.delivery import Cause, ChangeFailure, Deployment, Figures, Outcome
from bot.domain.overlay import OverlayImage

DEGRADED_WITHIN = timedelta(hours=1)
"""after it was Healthy: what falls ill later fell ill of something else"""
UNDONE_WITHIN = timedelta(hours=24)
"""in which going back to the images before counts as a failed change"""

LONGEST = timedelta(days=3653)
"""ago: what somebody may ask for"""
LOOK_BACK = timedelta(days=90)
"""before the time that is asked for, in which an image that is deployed in it may have been committed first"""

Pin = tuple[str, str]


def figures(
    every: Iterable[Deployment], environment: str, since: datetime, now: datetime, apps: Sequence[str] = ()
) -> tuple[Figures, ...]:
    """One for each app, by name; `apps` () for all that were deployed there. `every` holds all environments."""
    known = sorted(every, key=lambda one: one.at)
    first = first_commits(known)
    places: dict[str, list[Deployment]] = defaultdict(list)
    for one in known:
        if one.environment == environment:
            places[one.app].append(one)
    wanted = sorted(apps or places)
    return tuple(_of_app(app, places.get(app, []), first, since, now) for app in wanted)


def deployed(every: Iterable[Deployment], environment: str, since: datetime) -> tuple[str, ...]:
    """The apps that were deployed there since then, by name."""
    return tuple(sorted({one.app for one in every if one.environment == environment and one.at >= since}))


def together(parts: Sequence[Figures]) -> Figures:
    """Of several apps as if they were one."""
    return Figures(
        "all",
        parts[0].days if parts else 0.0,
        tuple(one for part in parts for one in part.deployments),
        tuple(time for part in parts for time in part.lead_times),
        tuple(one for part in parts for one in part.failures),
    )


def first_commits(every: Iterable[Deployment]) -> dict[tuple[str, Pin], datetime]:
    """When each image of each app was first committed, to whichever environment."""
    first: dict[tuple[str, Pin], datetime] = {}
    for one in every:
        for image in one.images:
            if image.after:
                key = (one.app, _pin(image.after))
                first[key] = min(first.get(key, one.at), one.at)
    return first


def _of_app(
    app: str, there: list[Deployment], first: dict[tuple[str, Pin], datetime], since: datetime, now: datetime
) -> Figures:
    counted = [one for one in there if one.at >= since and _counts(one)]
    begun = {one: _begun(one, first) for one in counted}
    leads = tuple(one.healthy_at - begun[one] for one in counted if one.healthy_at)
    failures = tuple(found for one in counted if (found := _failure(one, there)))
    return Figures(app, (now - since) / timedelta(days=1), tuple(counted), leads, failures)


def _counts(one: Deployment) -> bool:
    """It changed images, and it reached the environment, well or not."""
    reached = (Outcome.HEALTHY, Outcome.SYNCED, Outcome.FAILED)
    return bool(one.images) and one.outcome in reached


def _begun(one: Deployment, first: dict[tuple[str, Pin], datetime]) -> datetime:
    """Of the newest image that it brings. A rollback brings an old one: its own commit counts."""
    if _goes_back(one):
        return one.at
    times = [first.get((one.app, _pin(image.after)), one.at) for image in one.images if image.after]
    return max(times, default=one.at)


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


def _pin(entry: OverlayImage) -> Pin:
    """By digest where there is one, else by tag: environments may write the same image in both ways."""
    return entry.repository, entry.digest or entry.tag
