"""What the steps of a story are made of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.domain.caller import Caller
from bot.domain.errors import DatabaseAway, IntegrationError
from bot.domain.promotion import Promotion
from bot.evaluation.evaluator import GateEvaluator
from bot.policy import Policy
from bot.ports import Directory, Posted
from bot.promotions.approvers import Approvers
from bot.promotions.committer import Committer
from bot.promotions.current_policy import CurrentPolicy
from bot.promotions.eligibility import Eligibility
from bot.promotions.follow_up import FollowUps
from bot.promotions.follower import Follower
from bot.promotions.pull_requests import PullRequestSteps
from bot.promotions.record import Record
from bot.promotions.watcher import Watcher

log = structlog.get_logger(__name__)

CONFIRMED_FOR = timedelta(seconds=30)
"""How long it may be ago that gates and approvers were asked: git, or this process, may be away in between."""


class PromotionCards(Protocol):
    async def show(self, promotion: Promotion) -> Posted:
        """Post the card, or edit the one that is there; where it is. Its copies follow it."""
        ...

    async def ask(self, promotion: Promotion, people: Iterable[Caller]) -> None:
        """Send each of them a copy that decides as the card does; once."""
        ...


class PromotionReminders(Protocol):
    """Words that are lost without harm when Slack does not take them: none raises."""

    async def remind(
        self, promotion: Promotion, card: Posted, number: int, people: Sequence[Caller], *, escalate: bool
    ) -> None:
        """Tell approvers, under the card, in its channel and by their copies, that they are waited for.

        Once for each number; in the place of the reminder before it.
        """
        ...

    async def alarm(self, promotion: Promotion, card: Posted | None, sentence: str) -> None:
        """Tell the channel and the administrators what must not have happened, once."""
        ...

    async def refuse(self, channel: str, user: str, sentence: str) -> None:
        """Tell one person why their press did not count."""
        ...


@dataclass(frozen=True)
class StepParts:
    """Where it is written down, shown and told, and whom to ask."""

    record: Record
    cards: PromotionCards
    reminders: PromotionReminders
    directory: Directory
    policy: Policy
    evaluator: GateEvaluator
    eligibility: Eligibility
    approvers: Approvers
    committer: Committer
    follower: Follower
    watcher: Watcher
    follow_ups: FollowUps
    pull_requests: PullRequestSteps
    clock: Callable[[], datetime]
    confirmed_for: timedelta = CONFIRMED_FOR

    @property
    def today(self) -> CurrentPolicy:
        """What policy asks by now: of a promotion that waits, another one may have been loaded since."""
        return CurrentPolicy(self.policy, self.evaluator)

    def _fresh(self, confirmed: datetime | None) -> bool:
        """By this replica's clock, which need not be that of the one that asked."""
        return confirmed is not None and abs(self.clock() - confirmed) < self.confirmed_for

    async def _show(self, promotion: Promotion) -> Posted | None:
        """A card that cannot be shown now must not stop a promotion: the next step shows it again.

        Raises DatabaseAway: where what it should show cannot be noted down, nothing shows it again.
        """
        try:
            return await self.cards.show(promotion)
        except DatabaseAway:
            raise
        except IntegrationError as error:
            log.warning("card.post_failed", promotion=promotion.id, error=str(error))
            return None
