"""How long a change was on its way, measured when it has arrived."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.deliveries.dora import DeploymentRecord, figures
from bot.domain.delivery import Fact, Judged, LeadTime
from bot.domain.promotion import Progress
from bot.runtime.metrics import LEAD_TIME
from bot.store.deliveries import DeliveryStore

LOOK_BACK = timedelta(days=30)
"""in which the push of an image and its first pin are looked for; `/dora` looks further"""
KINDS = ("pushed", "run-started", "run-ended", "committed", "synced-by-hand", "judged")


class LeadTimes:
    def __init__(self, store: DeliveryStore) -> None:
        self._store = store

    async def measure(self, fact: Fact) -> None:
        """Of a deployment that has just become Healthy; nothing of others. Raises DatabaseAway."""
        detail = fact.detail
        if not (isinstance(detail, Judged) and detail.progress is Progress.HEALTHY):
            return
        since = fact.at - LOOK_BACK
        facts = await self._store.of_kinds(KINDS, since, fact.app)
        # Not on the event loop: an app that is built two hundred times a day has tens of thousands of facts.
        for lead in await asyncio.to_thread(_leads, facts, fact, since):
            if lead.deployment.id == detail.sha and lead.until == fact.at:
                histogram = LEAD_TIME.labels(fact.environment, "push" if lead.pushed else "pin")
                for lasted in lead.each:
                    histogram.observe(lasted.total_seconds())


def _leads(facts: Iterable[Fact], newest: Fact, since: datetime) -> tuple[LeadTime, ...]:
    (part,) = figures(DeploymentRecord.of(facts), newest.environment, since, newest.at, [newest.app])
    return part.leads
