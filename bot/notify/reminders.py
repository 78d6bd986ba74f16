"""Words in passing: reminders, and why a press did not count. Nothing hangs on their being heard."""

import structlog

from bot.domain.errors import IntegrationError
from bot.domain.promotion import Promotion
from bot.notify.audience import administrator_ids, administrators, approvers
from bot.policy import Policy
from bot.ports import Messenger, Posted, Rendered
from bot.views import reminder
from bot.views.notes import alarm
from bot.views.refusal import refusal

log = structlog.get_logger(__name__)


class Reminders:
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

    async def alarm(self, promotion: Promotion, card: Posted | None, sentence: str) -> None:
        """In the card's channel, in those that policy escalates to, and to administrators that policy names by id."""
        plan = promotion.plan
        note = alarm(promotion, sentence, administrators(self._policy, plan))
        key = f"alarm:{plan.id}"
        channels = (card.channel if card else plan.channel, *plan.approval.escalate_to)
        for channel in dict.fromkeys(channels):
            await self._post(channel, note, key=key)
        for user in administrator_ids(self._policy, plan):
            try:
                await self._messenger.direct(user, note)
            except IntegrationError as error:
                log.warning("alarm not told", user=user, error=str(error))

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
