"""Which deployments were failed changes, and until when: docs/deliveries.md holds the definition. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from bot.deliveries.builds import Pinned, pinned
from bot.deliveries.fixes import Fix, fixed
from bot.domain.delivery import Cause, ChangeFailure, Deployment, Outcome
from bot.domain.overlay import OverlayImage

DEGRADED_WITHIN = timedelta(hours=1)
"""after it was Healthy: what falls ill later fell ill of something else"""
UNDONE_WITHIN = timedelta(hours=24)
"""in which going back to what ran before counts as a failed change"""


def failures(
    there: Sequence[Deployment], counted: Collection[Deployment], fixed_within: timedelta
) -> tuple[ChangeFailure, ...]:
    """Of those that are `counted`. `there`: all of one app in one environment, oldest first."""
    ran, fixes, wanted = _Ran(there), fixed(there, fixed_within), set(counted)
    found = (
        _failure(one, there[number + 1 :], ran, fixes.get(one)) for number, one in enumerate(there) if one in wanted
    )
    return tuple(one for one in found if one)


class _Ran:
    """What ran there first when, by the number of the deployment that brought it."""

    def __init__(self, there: Sequence[Deployment]) -> None:
        self._first: dict[Pinned, int] = {}
        tried: set[Pinned] = set()
        for number, one in enumerate(there):
            for image in one.images:
                before = pinned(one.app, image.before) if image.before else None
                if before and before not in tried:
                    self._first.setdefault(before, number - 1)
            brought = [pinned(one.app, image.after) for image in one.images if image.after]
            tried.update(brought)
            if one.outcome in (Outcome.HEALTHY, Outcome.SYNCED):
                for pin in brought:
                    self._first.setdefault(pin, number)
        self._numbers = {one: number for number, one in enumerate(there)}

    def new(self, one: Deployment) -> set[str]:
        """Names of the entries where it brought what had not run there: what goes back brings nothing new."""
        return {image.name for image in one.images if image.after and not self._before(image.after, one)}

    def goes_back_past(self, later: Deployment, one: Deployment) -> bool:
        """Whether all that the later one puts there ran before the other one."""
        return all(image.after is not None and self._before(image.after, one) for image in later.images)

    def _before(self, entry: OverlayImage, one: Deployment) -> bool:
        number = self._numbers[one]
        return self._first.get(pinned(one.app, entry), number) < number


def _failure(one: Deployment, after: Sequence[Deployment], ran: _Ran, fix: Fix | None) -> ChangeFailure | None:
    if one.outcome is Outcome.FAILED:
        return ChangeFailure(one, "it failed", one.ended_at or one.at, _restored(one, after, one.ended_at or one.at))
    if one.degraded_at and one.healthy_at and one.degraded_at - one.healthy_at <= DEGRADED_WITHIN:
        return ChangeFailure(one, "it turned Degraded", one.degraded_at, _restored(one, after, one.degraded_at))
    soon, new = takewhile(lambda later: later.at - one.at <= UNDONE_WITHIN, after), ran.new(one)
    undone = next((later for later in soon if _undoes(later, one, after[0], new, ran)), None)
    if undone:
        return ChangeFailure(one, "it was rolled back", undone.at, undone.healthy_at, undone)
    if fix:
        began = one.healthy_at or one.synced_at or one.at
        well = (later.healthy_at for later in after if later.at >= fix.by.at and later.healthy_at)
        why = "it was reverted" if fix.reverts else "it was fixed"
        return ChangeFailure(one, why, began, min(well, default=None), fix.by)
    return None


def _restored(one: Deployment, after: Sequence[Deployment], failed_at: datetime) -> datetime | None:
    """When it was well again: by itself, or by a later deployment."""
    own = (one.recovered_at, one.healthy_at)
    times = [time for time in (*own, *(later.healthy_at for later in after)) if time and time > failed_at]
    return min(times, default=None)


def _undoes(later: Deployment, one: Deployment, following: Deployment, new: set[str], ran: _Ran) -> bool:
    """Whether it takes what is new away again, and puts back what the other one replaced, or what ran even before.

    An automatic rollback undoes what it follows, and no more.
    """
    if later.cause is Cause.ROLLBACK:
        return later is following
    if new.isdisjoint(image.name for image in later.images):
        return False
    before = {image.name: image.before for image in one.images}
    back = all(image.after is not None and before.get(image.name) == image.after for image in later.images)
    return back or ran.goes_back_past(later, one)
