"""Whether a direct message about a promotion is still for the person whom it was meant for, when it is told."""

from dataclasses import dataclass

from bot.domain import slack_id
from bot.domain.errors import NotFound
from bot.ports import Directory
from bot.promotions.eligibility import Eligibility
from bot.store.outbox import OutboxEntry
from bot.store.promotions import PromotionStore


@dataclass(frozen=True)
class PromotionRecipients:
    """Whoever asked to hear of it may have lost the right to view it since; the requester knows what they asked for."""

    promotions: PromotionStore
    directory: Directory
    eligibility: Eligibility

    async def may_hear(self, entry: OutboxEntry) -> bool:
        """Raises IntegrationError while nobody can tell."""
        if not slack_id.is_user(entry.channel):
            return True
        promotion = await self.promotions.get(entry.promotion)
        if promotion is None or entry.channel == promotion.plan.requester.id:
            return True
        try:
            caller = await self.directory.caller(entry.channel)
        except NotFound:
            return False
        return await self.eligibility.seen(promotion, caller) == promotion.plan.apps
