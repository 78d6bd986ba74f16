"""The card of a promotion, in its channel."""

import time
from collections.abc import Callable, Iterable

from bot.domain.caller import Caller
from bot.domain.promotion import Kind, Promotion
from bot.notify.audience import approvers
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.messages import Places
from bot.policy import Policy
from bot.ports import Messenger, Posted
from bot.store.messages import Messages
from bot.store.reviews import ReviewStore
from bot.views import card


class Cards:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self,
        messages: Messages,
        messenger: Messenger,
        policy: Policy,
        copies: Copies,
        journeys: JourneyLinks,
        reviews: ReviewStore,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._threads = messages.threads
        self._copies = copies
        self._journeys = journeys
        self._reviews = reviews
        self._places = Places(messages, messenger)
        self._policy = policy
        self._clock = clock

    async def show(self, promotion: Promotion) -> Posted:
        """Posts the card, or notes what it should show from now on; where it is.

        An edit is never waited for: the outbox makes it, at Slack's pace, and the newest one for certain. Raises
        IntegrationError when the first post fails; the outbox goes on trying that too.
        """
        channel, plan = promotion.plan.channel, promotion.plan
        watched = self._policy.rules_together(plan.apps, plan.environment).watched
        shown = card(
            promotion,
            approvers=approvers(self._policy, promotion),
            careful=self._policy.careful,
            watched=None if plan.kind is Kind.ROLLBACK else max(watched.values(), default=None),
            journey=await self._journeys.of(promotion),
            review=await self._reviews.get(promotion.id) if plan.break_glass else None,
        )
        thread = await self._threads.want(promotion.id, channel, shown, self._clock(), about=plan.about)
        await self._copies.keep(promotion)
        return thread.place or await self._places.bring(promotion.id, channel, first=thread.new)

    async def ask(self, promotion: Promotion, people: Iterable[Caller]) -> None:
        """A copy for each of them, as a direct message."""
        await self._copies.send(promotion, people)
