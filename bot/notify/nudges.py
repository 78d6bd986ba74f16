"""Words in passing: reminders, and why a press did not count. Nothing hangs on their being heard."""

import structlog

from bot.domain.errors import IntegrationError
from bot.domain.promotion import Promotion
from bot.notify.audience import approvers
from bot.policy import Policy
from bot.ports import Messenger, Posted, Rendered
from bot.views import reminder
from bot.views.refusal import refusal

log = structlog.get_logger(__name__)


class Nudges:
    def __init__(self, messenger: Messenger, policy: Policy) -> None:
        self._messenger = messenger
        self._policy = policy

    async def remind(self, promotion: Promotion, card: Posted, number: int, *, escalate: bool) -> None:
        """Under the card and in its channel; `escalate`: in the channels that policy names as well."""
        plan = promotion.plan
        note = reminder(promotion, approvers=approvers(self._policy, plan), escalated=escalate)
        key = f"reminder-{number}:{plan.id}"
        await self._post(card.channel, note, thread=card.ts, key=key)
        for channel in plan.approval.escalate_to if escalate else ():
            await self._post(channel, note, key=key)

    async def refuse(self, channel: str, user: str, sentence: str) -> None:
        try:
            await self._messenger.whisper(channel, user, refusal(sentence))
        except IntegrationError as error:
            log.warning("refusal not told", user=user, error=str(error))

    async def _post(self, channel: str, note: Rendered, *, thread: str = "", key: str) -> None:
        try:
            await self._messenger.post(channel, note, thread=thread, broadcast=bool(thread), key=key)
        except IntegrationError as error:
            log.warning("reminder not told", channel=channel, error=str(error))
