"""The second look that a break-glass owes."""

from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.authorship import same_person
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, IntegrationError, InvalidCommand, NotAllowed, UnknownName
from bot.domain.event import Event
from bot.domain.intent import CloseReview
from bot.domain.promotion import Promotion
from bot.domain.reason import says_something
from bot.domain.reply import Reply, Told
from bot.domain.safety import Review
from bot.domain.sentence import quoted
from bot.notify.ledger import DONE_BEFORE, Deed, Ledger
from bot.policy import Policy, who_could
from bot.ports import Clock
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from bot.views import safety as views

log = structlog.get_logger(__name__)


class ReviewCards(Protocol):
    async def show(self, promotion: Promotion) -> object:
        """Bring the card up to date: it tells of the review."""
        ...


class ReviewService:
    """Raises UnknownName, Conflict for one that is closed, NotAllowed for who broke the glass or may not approve."""

    def __init__(
        self,
        reviews: ReviewStore,
        promotions: PromotionStore,
        ledger: Ledger,
        policy: Policy,
        cards: ReviewCards,
        clock: Clock,
    ) -> None:
        self._reviews = reviews
        self._promotions = promotions
        self._cards = cards
        self._ledger = ledger
        self._policy = policy
        self._clock = clock

    async def close(self, ask: CloseReview, caller: Caller) -> Reply:
        if not says_something(ask.note):
            raise InvalidCommand("A review needs a note, in words that people can read.")
        if await self._ledger.done_before(ask.context, Event.REVIEWED):
            await self._show(ask.promotion)
            return Told(DONE_BEFORE)
        review = await self._open(ask.promotion)
        targets = [Target(app, review.environment) for app in review.apps]
        for target in targets:
            await self._ledger.authorize(ask, caller, Permission.APPROVE, target, "review")
        if same_person(caller.person, review.by, self._policy.people):
            others = who_could(self._policy, Permission.APPROVE, targets[0], without=caller.id)
            raise NotAllowed(f"You broke the glass, so somebody else must look at it. {others}")

        async def effect(connection: AsyncConnection) -> Reply:
            if await self._reviews.get_open(connection, review.promotion_id) is None:
                raise Conflict("Somebody else has closed this review.")
            closed = await self._reviews.close(connection, review, caller.person, ask.note, self._clock.now())
            deed = Deed(
                Event.REVIEWED,
                ask.context.request_id,
                caller.id,
                review.environment,
                review.apps,
                review.promotion_id,
                {"note": ask.note, "broken_by": review.by.id},
                ask.context.channel,
            )
            await self._ledger.write(connection, deed, views.reviewed(closed))
            return Told(f"The review of {review.promotion_id} is closed.")

        closed = await self._ledger.together(effect)
        await self._show(review.promotion_id)
        return closed

    async def _show(self, id: str) -> None:
        """The review is given, whether or not Slack takes the card now: its next edit shows it."""
        if promotion := await self._promotions.get(id):
            try:
                await self._cards.show(promotion)
            except IntegrationError as error:
                log.warning("review.not_shown", promotion=id, error=str(error))

    async def _open(self, promotion: str) -> Review:
        review = await self._reviews.get(promotion)
        if review is None:
            raise UnknownName(
                f"{quoted(promotion)} owes no review: only a break-glass does. `/locks` lists those that do."
            )
        if review.closed_by:
            raise Conflict(f"{review.closed_by.name} has closed this review already: {review.note}")
        return review
