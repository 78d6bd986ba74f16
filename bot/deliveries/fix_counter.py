"""Counts deployments that a later one fixed, when the record learns of it."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from bot.deliveries.fixes import fixed
from bot.deliveries.fold import deployments
from bot.domain.delivery import Committed, Fact
from bot.domain.source_range import CommitsFound
from bot.runtime.metrics import FIXED_DEPLOYMENTS
from bot.store.deliveries import DeliveryStore


class FixCounter:
    """`within`: how much later a fix makes the deployment a failed change."""

    def __init__(self, store: DeliveryStore, within: timedelta) -> None:
        self._store = store
        self._within = within

    async def count(self, begun: Fact, commits: CommitsFound) -> None:
        """Those that the deployment fixes which `begun` began, and which brings these commits. Raises DatabaseAway."""
        if not any(part.undoing for part in commits.ranges) and not _undoes(begun):
            return
        facts = await self._store.of(begun.app, begun.environment, begun.at - self._within)
        earlier = await asyncio.to_thread(_fixed_by, facts, begun, self._within)
        FIXED_DEPLOYMENTS.labels(begun.app, begun.environment).inc(earlier)


def _undoes(begun: Fact) -> bool:
    return isinstance(begun.detail, Committed) and begun.detail.undoing is not None


def _fixed_by(facts: Iterable[Fact], begun: Fact, within: timedelta) -> int:
    there = [one for one in deployments(facts) if one.at <= begun.at]
    return sum(fix.by.at == begun.at for fix in fixed(there, within).values())
