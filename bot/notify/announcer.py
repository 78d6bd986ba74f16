"""From an event to the letters about it."""

from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.event import Event
from bot.domain.promotion import Promotion
from bot.notify.audience import approvers
from bot.notify.outbox import Outbox
from bot.policy import Policy
from bot.ports import Rendered
from bot.store.messages import Letter
from bot.views import notice, result, thread_note
from bot.views.words import USER_ID


class Announcer:
    """Tells the card's thread, the channels that the policy names, and the requester the result."""

    def __init__(self, outbox: Outbox, policy: Policy) -> None:
        self._outbox = outbox
        self._policy = policy

    async def put(self, connection: AsyncConnection, promotion: Promotion, event: Event) -> None:
        """In the caller's transaction: told if, and only if, it commits; and once, however often it is put."""
        for letter in self._letters(promotion, event):
            await self._outbox.put(connection, letter)

    def _letters(self, promotion: Promotion, event: Event) -> Iterator[Letter]:
        plan = promotion.plan
        who = approvers(self._policy, plan)

        def letter(channel: str, message: Rendered, *, threaded: bool = False, broadcast: bool = False) -> Letter:
            return Letter(plan.app, plan.environment, plan.id, event, channel, message, threaded, broadcast)

        if event is not Event.STARTED:  # the card itself says that it is started
            failed = event is Event.FAILED
            note = thread_note(promotion, event, approvers=who)
            yield letter(plan.channel, note, threaded=True, broadcast=failed)
        for channel in self._channels(promotion, event):
            yield letter(channel, notice(promotion, event, approvers=who), broadcast=event.final)
        if event.final and USER_ID.fullmatch(plan.requester.id):
            yield letter(plan.requester.id, result(promotion))

    def _channels(self, promotion: Promotion, event: Event) -> list[str]:
        """Without the card's own, whose thread hears of it."""
        plan = promotion.plan
        routed = [channel for app in plan.apps for channel in self._policy.channels_for(app, plan.environment, event)]
        return [channel for channel in dict.fromkeys(routed) if bare(channel) != bare(plan.channel)]


def bare(channel: str) -> str:
    return channel.removeprefix("#")
