"""From an event to the outbox entries about it."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import slack_id
from bot.domain.event import Event
from bot.domain.promotion import Promotion
from bot.notify.audience import approvers, of_promotion
from bot.notify.channels import ChannelIds
from bot.notify.outbox import Outbox
from bot.notify.promotion_news import PromotionNews
from bot.policy import Policy
from bot.ports import Rendered
from bot.store.outbox import OutboxEntry
from bot.store.subscriptions import SubscriptionStore
from bot.views import notice, ready, result, thread_note

ROUND = 12
"""characters of the hash that tells one question to people from the next"""


class Announcer:
    """Tells the card's thread, the channels that policy names, notifiers, the requester the result, and who subscribed.

    Broken glass is told in every channel that hears of the app at all.
    """

    def __init__(
        self,
        outbox: Outbox,
        policy: Policy,
        subscriptions: SubscriptionStore | None = None,
        channels: ChannelIds | None = None,
        news: PromotionNews | None = None,
    ) -> None:
        self._outbox = outbox
        self._policy = policy
        self._subscriptions = subscriptions
        self._channels = channels or ChannelIds()
        self._news = news

    async def put(self, connection: AsyncConnection, promotion: Promotion, event: Event) -> None:
        """In the caller's transaction: told if, and only if, it commits; and once, however often it is put."""
        for entry in self._entries(promotion, event):
            await self._outbox.put(connection, entry)
        said = notice(promotion, event, approvers=approvers(self._policy, promotion))
        await self._outbox.notify(connection, replace(_entry(promotion, event, "", said), apps=promotion.apps))
        if self._news:
            await self._news.put(connection, promotion, event)
        if self._subscriptions and (event is Event.WAITING or event.final):
            told = ready(promotion, approvers=approvers(self._policy, promotion))
            for user in await self._subscriptions.take(connection, promotion.id):
                await self._outbox.put(connection, _entry(promotion, event, user, told, broadcast=True))

    def _entries(self, promotion: Promotion, event: Event) -> Iterator[OutboxEntry]:
        plan = promotion.plan
        who = approvers(self._policy, promotion)
        loud = event is Event.STARTED and (plan.break_glass or plan.automatic)
        if event is not Event.STARTED or loud:  # else the card itself says that it is started
            note = thread_note(promotion, event, approvers=who)
            broadcast = loud or event is Event.FAILED
            yield _entry(promotion, event, plan.channel, note, threaded=True, broadcast=broadcast)
        for channel in self._listening(promotion, event):
            told = notice(promotion, event, approvers=who)
            yield _entry(promotion, event, channel, told, broadcast=event.final)
        if event.final and slack_id.is_user(plan.requester.id):
            yield _entry(promotion, event, plan.requester.id, result(promotion), broadcast=True)

    def _listening(self, promotion: Promotion, event: Event) -> list[str]:
        """Channels by their ids where those are known; without the card's own, whose thread hears of it."""
        routed = of_promotion(self._policy, promotion.plan, event)
        own = self._channels.of(promotion.plan.channel)
        return [channel for channel in dict.fromkeys(map(self._channels.of, routed)) if channel != own]


def _entry(
    promotion: Promotion,
    event: Event,
    channel: str,
    message: Rendered,
    *,
    threaded: bool = False,
    broadcast: bool = False,
) -> OutboxEntry:
    plan = promotion.plan
    round_ = _round(promotion) if event is Event.WAITING else promotion.doubt if event.final else ""
    return OutboxEntry(plan.apps, plan.environment, plan.id, event, channel, message, threaded, broadcast, round_)


def _round(promotion: Promotion) -> str:
    """People are asked again when what they would say yes to has changed, or their approvals are void."""
    question = f"{promotion.content_hash} {promotion.voided}"
    return hashlib.sha256(question.encode()).hexdigest()[:ROUND]
