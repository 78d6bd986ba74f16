"""Counts deployments that a later one fixed, when the record learns of it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

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
        await self._count(begun, partial(_without_commits, commits))

    async def count_committed(self, begun: Fact) -> None:
        """Those of which the commit of `begun` itself says that it reverts or fixes them, be it of settings alone.

        Raises DatabaseAway.
        """
        if isinstance(begun.detail, Committed) and begun.detail.undoing:
            await self._count(begun, partial(_without_word, begun.detail.id))

    async def _count(self, begun: Fact, before: Callable[[Deployment], Deployment]) -> None:
        facts = await self._store.of(begun.app, begun.environment, begun.at - 2 * self._within)
        if any(map(_undoes, facts)):
            new = await asyncio.to_thread(_known_since, facts, before, self._within)
            FIXED_DEPLOYMENTS.labels(begun.app, begun.environment).inc(new)


def _undoes(fact: Fact) -> bool:
    detail = fact.detail
    if isinstance(detail, CommitsFound):
        return any(part.undoing for part in detail.ranges)
    return isinstance(detail, Committed) and detail.undoing is not None


def _without_commits(commits: CommitsFound, one: Deployment) -> Deployment:
    return replace(one, commits=None) if one.commits == commits else one


def _without_word(id: str, one: Deployment) -> Deployment:
    return replace(one, undoing=None) if one.id == id else one


def _known_since(facts: Iterable[Fact], before: Callable[[Deployment], Deployment], within: timedelta) -> int:
    """How many more are known than `before` makes known."""
    there = deployments(facts)
    return len(_counted(there, within) - _counted([before(one) for one in there], within))


def _counted(there: Sequence[Deployment], within: timedelta) -> set[tuple[datetime, str]]:
    """As `/dora` counts them: a change of settings alone is no deployment that could fail."""
    return {(earlier.at, earlier.sha) for earlier in fixed(there, within) if earlier.images}
