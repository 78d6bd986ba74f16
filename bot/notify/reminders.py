"""Words in passing: reminders, and why a press did not count. Nothing hangs on their being heard."""

import time
from collections.abc import Callable, Sequence

import structlog

from bot.domain.caller import Caller
from bot.domain.errors import IntegrationError, Unavailable
from bot.domain.promotion import Kind, Promotion
from bot.notify.audience import administrator_ids, administrators, approvers
from bot.notify.copies import Copies
from bot.notify.quiet import night
from bot.policy import Policy
from bot.ports import MessageLinks, Messenger, Posted, Rendered
from bot.store.threads import ThreadStore
from bot.views import reminder
from bot.views.notes import alarm
from bot.views.refusal import refusal

log = structlog.get_logger(__name__)


class Reminders:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self,
        messenger: Messenger,
        links: MessageLinks,
        threads: ThreadStore,
        copies: Copies,
        policy: Policy,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._messenger = messenger
        self._links = links
        self._threads = threads
        self._copies = copies
        self._policy = policy
        self._clock = clock

    async def remind(
        self, promotion: Promotion, card: Posted, number: int, people: Sequence[Caller], *, escalate: bool
    ) -> None:
        """Under the card and in its channel, and by the copies; `escalate`: in the channels that policy names as well.

        Not while it is night for all `people`, as far as they are known; a rollback is an incident, and wakes them.
        """
        plan = promotion.plan
        note = reminder(promotion, approvers=approvers(self._policy, promotion), escalated=escalate)
        key = f"reminder-{number}:{plan.id}"
        incident = plan.kind is Kind.ROLLBACK
        await self._copies.remind(promotion, people, incident=incident)
        asleep = bool(people) and all(night(caller, self._policy, self._clock()) for caller in people)
        if incident or escalate or not asleep:
            await self._replace(f"reminder-{plan.id}"[:64], card, note, key)
        for channel in plan.approval.escalate_to if escalate else ():
            await self._say(promotion, channel, note, key)

    async def _replace(self, subject: str, card: Posted, note: Rendered, key: str) -> None:
        """The newest reminder under a card is the only one."""
        before = await self._threads.thread(subject, card.channel)
        posted = await self._post(card.channel, note, thread=card.ts, key=key)
        if posted is None:
            return
        await self._threads.placed(subject, card.channel, posted)
        if before and before.place and before.place != posted:
            try:
                await self._links.remove(before.place)
            except IntegrationError as error:
                log.info("reminder.not_removed", error=str(error))

    async def alarm(self, promotion: Promotion, card: Posted | None, sentence: str) -> None:
        """In the card's channel, in those that policy escalates to, and to administrators whom it names as persons."""
        plan = promotion.plan
        note = alarm(promotion, sentence, administrators(self._policy, plan))
        key = f"alarm:{plan.id}"
        channels = (card.channel if card else plan.channel, *plan.approval.escalate_to)
        for channel in dict.fromkeys(channels):
            await self._say(promotion, channel, note, key)
        for user in administrator_ids(self._policy, plan):
            try:
                posted = await self._messenger.direct(user, note)
            except IntegrationError as error:
                log.warning("reminder.alarm_not_sent", user=user, error=str(error))
            else:
                await self._threads.placed(key[:64], user, posted, about=plan.about)

    async def refuse(self, channel: str, user: str, sentence: str) -> None:
        """Where the card is; as a direct message to who is not in that channel."""
        try:
            await self._messenger.whisper(channel, user, refusal(sentence))
        except Unavailable as error:
            log.warning("reminder.refusal_not_sent", user=user, error=str(error))
        except IntegrationError:
            await self._directly(user, refusal(sentence))

    async def _directly(self, user: str, message: Rendered) -> None:
        try:
            await self._messenger.direct(user, message)
        except IntegrationError as error:
            log.warning("reminder.refusal_not_sent", user=user, error=str(error))

    async def _say(self, promotion: Promotion, channel: str, note: Rendered, key: str) -> None:
        """Outside the card's thread: so what it is about is noted."""
        if posted := await self._post(channel, note, key=key):
            await self._threads.placed(key[:64], channel, posted, about=promotion.plan.about)

    async def _post(self, channel: str, note: Rendered, *, thread: str = "", key: str) -> Posted | None:
        try:
            return await self._messenger.post(channel, note, thread=thread, broadcast=bool(thread), key=key)
        except IntegrationError as error:
            log.warning("reminder.not_sent", channel=channel, error=str(error))
            return None
