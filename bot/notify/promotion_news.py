"""Events of promotions as news, for those who subscribed to them: the card tells everybody else."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.delivery import Cause, News
from bot.domain.event import Event
from bot.domain.promotion import Promotion
from bot.domain.subscription import OF_PROMOTIONS
from bot.notify.audience import heard_already
from bot.policy import Policy
from bot.store.delivery_news import NewsStore
from bot.store.subscriptions import SubscriptionStore

REASON = 600


class PromotionNews:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self, store: NewsStore, subscriptions: SubscriptionStore, policy: Policy, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._policy = policy
        self._clock = clock

    async def put(self, connection: AsyncConnection, promotion: Promotion, event: Event) -> None:
        """In the caller's transaction; nothing where nobody is subscribed to anything."""
        if event not in OF_PROMOTIONS or not await self._subscriptions.any(connection):
            return
        for app in promotion.apps:
            await self._store.put(connection, self._news(promotion, event, app), self._clock())

    def _news(self, promotion: Promotion, event: Event, app: str) -> News:
        plan, commit = promotion.plan, promotion.commit
        moves = [move for move in promotion.moves if move.app == app]
        return News(
            f"{event}:{plan.id}:{promotion.doubt if event.final else ''}:{app}",
            event,
            app,
            plan.environment,
            datetime.fromtimestamp(self._clock(), UTC),
            who=plan.requester.name,
            user=plan.requester.id,
            change=", ".join(f"{move.label_before} → {move.after.label}" for move in moves)[:300],
            cause=Cause.PROMOTION,
            sha=commit.sha if commit else "",
            url=commit.url if commit else "",
            why=_why(promotion) if event in (Event.FAILED, Event.ABORTED) else "",
            heard=heard_already(self._policy, promotion, event, app),
        )


def _why(promotion: Promotion) -> str:
    """The outcome of a release train names its other apps, which not everybody who hears of this one may view."""
    apps = promotion.plan.apps
    return promotion.outcome[:REASON] if len(apps) == 1 else f"It is part of a release train of {len(apps)} apps."
