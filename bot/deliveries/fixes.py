"""Which deployments were fixed forward, or reverted: by what commits say of themselves, and never by their names. Pure.

docs/decisions/0398 has the reasons.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from bot.domain.delivery import Cause, Deployment, Outcome
from bot.domain.source_range import Undoing

REACHED = (Outcome.HEALTHY, Outcome.SYNCED, Outcome.FAILED)
"""ends of a deployment that ran there, well or not: what others brought comes with the next one"""
FULL = (40, 64)
"""digits of a whole id"""


@dataclass(frozen=True)
class Fix:
    """The deployment that fixed an earlier one. `reverts`: all that it says of that one is that it reverts."""

    by: Deployment
    reverts: bool = False


def fixed(there: Sequence[Deployment], within: timedelta) -> dict[Deployment, Fix]:
    """Deployment → the first later one that undoes or fixes a commit which it brought, or its own commit.

    `there`: of one app in one environment, oldest first. `within`: how much later.
    """
    known = _KnownCommits(there)
    brought: dict[str, Deployment] = {}
    """commit → the newest deployment that brought it, or is it"""
    carried: list[str] = []
    """source commits of what did not reach the environment"""
    found: dict[Deployment, Fix] = {}
    for one in there:
        own = _ids(one)
        reverts, fixes = (_earlier(named - {one.sha, *own}, brought) for named in known.named_by(one))
        for earlier in reverts | fixes:
            if one.at - earlier.at <= within:
                found.setdefault(earlier, Fix(one, reverts=earlier not in fixes))
        if one.cause is not Cause.ARGOCD:  # that is at a commit which another deployment began with
            brought[one.sha] = one
        if not one.images:
            continue
        if not _same_source(one):
            carried = [*carried, *own] if own else []
        if one.outcome in REACHED:
            brought |= dict.fromkeys(carried, one)
            carried = []
    return found


def _earlier(named: Iterable[str], brought: Mapping[str, Deployment]) -> set[Deployment]:
    return {brought[id] for id in named if id in brought}


class _KnownCommits:
    """Every commit that deployments there brought or are, and what these say of each other."""

    def __init__(self, there: Sequence[Deployment]) -> None:
        self._ids = sorted({*chain.from_iterable(_ids(one) for one in there), *(one.sha for one in there)})
        said = (said for one in there for said in _said(one))
        self._reverting = {one.commit for one in said if any(self._resolved(one.reverts))}

    def named_by(self, one: Deployment) -> tuple[set[str], set[str]]:
        """The known commits that its own say they revert, and those that they say they fix.

        A revert of a revert puts back what was right, so it tells nothing against what it reverts.
        """
        reverts = {id for said in _said(one) for id in self._resolved(said.reverts)}
        fixes = {id for said in _said(one) for id in self._resolved(said.fixes)}
        return reverts - self._reverting, fixes

    def _resolved(self, named: Iterable[str]) -> Iterator[str]:
        """What is shortened counts where it can mean one known commit only."""
        for id in named:
            at = bisect_left(self._ids, id)
            alike = [known for known in self._ids[at : at + 2] if known.startswith(id)]
            if len(alike) == 1 and (len(id) not in FULL or alike[0] == id):
                yield alike[0]


def _same_source(one: Deployment) -> bool:
    """Whether its images are of the same source commits as those before: what did not come yet comes with them."""
    ranges = one.commits.ranges if one.commits and not one.commits.unknown else ()
    return bool(ranges) and all(part.before == part.after for part in ranges)


def _ids(one: Deployment) -> list[str]:
    return [id for part in (one.commits.ranges if one.commits else ()) for id in part.ids]


def _said(one: Deployment) -> Iterator[Undoing]:
    """A commit that Pilothouse made says what was promoted; the words in it are no claim about other commits."""
    if one.undoing and not one.cause.ours:
        yield one.undoing
    for part in one.commits.ranges if one.commits else ():
        yield from part.undoing
