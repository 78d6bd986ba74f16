"""Counts deployments that a later one fixed, when the record learns of it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.deliveries.fixes import fixed
from bot.deliveries.fold import deployments
from bot.domain.delivery import Committed, Deployment, Fact
from bot.domain.source_range import CommitsFound
from bot.runtime.metrics import FIXED_DEPLOYMENTS
from bot.store.deliveries import DeliveryStore


class FixCounter:
    """`within`: how much later a fix makes the deployment a failed change."""

    def __init__(self, store: DeliveryStore, within: timedelta) -> None:
        self._store = store
        self._within = within

    async def count(self, begun: Fact, commits: CommitsFound) -> None:
        """Those of which it is known now that another deployment fixes them: `commits` are what `begun` brings.

        After a backlog the newest are known first, so they may be of either of the two. Raises DatabaseAway.
        """
        facts = await self._store.of(begun.app, begun.environment, begun.at - 2 * self._within)
        if any(map(_undoes, facts)):
            new = await asyncio.to_thread(_known_by, facts, commits, self._within)
            FIXED_DEPLOYMENTS.labels(begun.app, begun.environment).inc(new)


def _undoes(fact: Fact) -> bool:
    detail = fact.detail
    if isinstance(detail, CommitsFound):
        return any(part.undoing for part in detail.ranges)
    return isinstance(detail, Committed) and detail.undoing is not None


def _known_by(facts: Iterable[Fact], commits: CommitsFound, within: timedelta) -> int:
    """How many more are known than without these commits."""
    there = deployments(facts)
    before = [replace(one, commits=None) if one.commits == commits else one for one in there]
    return len(_counted(there, within) - _counted(before, within))


def _counted(there: Sequence[Deployment], within: timedelta) -> set[tuple[datetime, str]]:
    """A fix counts as soon as its own commits are known."""
    found = fixed(there, within).items()
    return {(earlier.at, earlier.sha) for earlier, fix in found if fix.by.commits is not None}
