"""The steps of a promotion's story: each has one effect, may run twice, and leaves the record and the card telling it.

A step that finds its effect already there (after a crash) reports it instead of repeating it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from bot.domain.event import Event
from bot.domain.promotion import Following, Phase, Plan, Promotion
from bot.promotions.follow_up import FollowUp
from bot.promotions.follower import Followed
from bot.promotions.record import entry_of
from bot.runtime import metrics
from bot.workflow.change_steps import ChangeSteps
from bot.workflow.decision_steps import DecisionSteps

log = structlog.get_logger(__name__)


class Steps(DecisionSteps, ChangeSteps):
    """All of them."""

    async def announce(self, promotion: Promotion) -> None:
        """The first sight of it."""
        event = "break-glass" if promotion.plan.break_glass else "requested"
        entry = entry_of(promotion, event, "announce", reason=promotion.plan.reason)
        await self.record.write(promotion, entry, Event.STARTED)
        await self._show(promotion)

    async def follow(self, promotion: Promotion, deadline: datetime) -> Followed:
        """Watch Argo CD, telling each change on the card."""
        assert promotion.commit is not None

        async def told(following: tuple[Following, ...]) -> None:
            seen = replace(promotion, following=following)
            await self.record.write(seen)
            await self._show(seen)

        return await self.follower.follow(promotion.moves, promotion.commit, deadline, told)

    async def watch(self, promotion: Promotion, until: Mapping[str, datetime]) -> str:
        """Evidence against what was promoted, "" when there is none until then, or until it is replaced; by app."""
        watched = self.policy.rules_together(promotion.apps, promotion.plan.environment).watched
        moves = {move: until[move.app] for move in promotion.moves if move.app in watched and move.app in until}
        return await self.watcher.watch(moves, partial(self.record.store.replaced, promotion))

    async def prepare(self, promotion: Promotion, follow_up: FollowUp) -> list[Plan]:
        """What comes in place of this one: one plan, or none when nothing can."""
        plan = await self.follow_ups.plan(promotion, follow_up)
        return [plan] if plan else []

    async def conclude(self, promotion: Promotion, successor: Plan | None) -> None:
        """The last word: record, audit, announcements, lock and successor in one transaction, then the final card."""
        event = _event_of(promotion.phase)
        entry = entry_of(promotion, promotion.phase.lower(), "conclude", actor="pilothouse", outcome=promotion.outcome)
        more = [partial(self.follow_ups.lock, promotion), partial(self.follow_ups.succeed, successor)]
        await self.record.write(promotion, entry, event, *more)
        await self._show(promotion)
        _count(promotion)
        self.follow_ups.begin()  # the successor, or whoever has waited for this one to end

    async def settle(self, promotion: Promotion) -> None:
        """A last word that was not known at the end: told wherever that was told.

        A rollback that was made locks what it has put back, but for what somebody has changed since.
        """
        entry = entry_of(promotion, "settled", "settle", actor="pilothouse", outcome=promotion.outcome)
        later = await self.record.store.replaced(promotion)
        kept = replace(promotion, left_out=tuple({*promotion.left_out, *later}))
        lock = partial(self.follow_ups.lock, kept)
        await self.record.write(promotion, entry, _event_of(promotion.phase), lock)
        await self._show(promotion)


def _event_of(phase: Phase) -> Event:
    return {Phase.SUCCEEDED: Event.DONE, Phase.ABORTED: Event.ABORTED}.get(phase, Event.FAILED)


def _count(promotion: Promotion) -> None:
    """For metrics and the log. A crash right here may count a promotion twice; nothing hangs on it."""
    plan, phase = promotion.plan, promotion.phase
    metrics.PROMOTIONS.labels(plan.kind, plan.environment, phase).inc()
    if promotion.finished_at:
        seconds = (promotion.finished_at - plan.requested_at).total_seconds()
        metrics.PROMOTION_SECONDS.labels(plan.environment, phase).observe(max(0.0, seconds))
    if plan.break_glass:
        metrics.BREAK_GLASS.labels(plan.environment).inc()
    log.info("promotion.ended", phase=phase, outcome=promotion.outcome, successor=promotion.successor)
