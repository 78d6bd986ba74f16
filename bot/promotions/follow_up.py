"""What a promotion leaves behind: locks, owed reviews, and successors."""

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import PILOTHOUSE
from bot.domain.errors import PilothouseError, PromotionInProgress, Unavailable
from bot.domain.promotion import Kind, Phase, Plan, Promotion, Stage
from bot.domain.safety import Lock, Review
from bot.policy import Policy
from bot.ports import Clock
from bot.promotions.planner import Planner
from bot.store.locks import LockStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore

log = structlog.get_logger(__name__)

LOOK_BACK = 50
"""Promotions that are looked through for the one that changed the environment before."""


class FollowUp(StrEnum):
    """Why another promotion takes the place of one that ended."""

    REISSUE = "reissue"
    ROLL_BACK = "roll back"


@dataclass(frozen=True)
class FollowUps:
    planner: Planner
    store: PromotionStore
    locks: LockStore
    reviews: ReviewStore
    policy: Policy
    clock: Clock
    wake: asyncio.Event
    """set when a story has been written down and waits to be begun, or when one has ended"""

    async def owe_review(self, promotion: Promotion, connection: AsyncConnection) -> None:
        plan = promotion.plan
        if plan.break_glass:
            against = tuple(f"{r.gate}: {r.verdict.reason}" for r in promotion.against)
            now = self.clock.now()
            review = Review(plan.id, plan.apps, plan.environment, plan.requester, plan.reason, now, against=against)
            await self.reviews.owe(connection, review)

    async def lock(self, promotion: Promotion, connection: AsyncConnection) -> None:
        """After a rollback, hold back whatever would undo it. A person's lock does that already, and more: it stays."""
        plan = promotion.plan
        if plan.kind is not Kind.ROLLBACK or promotion.commit is None:
            return
        for move in promotion.moves:
            held = await self.locks.exactly(connection, move.app, plan.environment)
            if self.policy.rules(move.app, plan.environment).rollback().lock and not (held and not held.automatic):
                why = f"rolled back from {move.label_before} to {move.after.label} by {plan.requester.name}"
                reason = f"{why}: {plan.reason}" if plan.reason else why
                lock = Lock(move.app, plan.environment, PILOTHOUSE, reason, self.clock.now(), automatic=True)
                await self.locks.take(connection, lock)

    async def plan(self, promotion: Promotion, follow_up: FollowUp) -> Plan | None:
        """None when nothing can take its place. Raises Unavailable when that cannot be told now."""
        try:
            if follow_up is FollowUp.REISSUE:
                # Somebody changed what was to be taken back by itself, or what a broken glass was pressed for: that is
                # in people's hands now.
                bound = promotion.plan.automatic or promotion.plan.break_glass
                return None if bound else await self._reissued(promotion)
            return await self._automatic_rollback(promotion)
        except Unavailable:
            raise
        except PilothouseError as error:
            log.warning("successor.not_started", promotion=promotion.id, follow_up=follow_up, error=str(error))
            return None

    async def _reissued(self, promotion: Promotion) -> Plan | None:
        """None where it would take the environment back by now: the requester has not confirmed that (0340)."""
        plan = await self.planner.reissue(promotion)
        older = plan.environment in self.policy.careful and any(move.older for move in plan.moves)
        return None if older and plan.kind is not Kind.ROLLBACK else plan

    async def succeed(self, successor: Plan | None, connection: AsyncConnection) -> None:
        """Write the successor down; `begin` starts it. One that is there already is left alone.

        None when somebody was quicker: what they promote takes its place.
        """
        if successor is None or await self.store.get_in(connection, successor.id):
            return
        try:
            await self.store.create(connection, Promotion(successor, Phase.RUNNING, Stage.GATES))
        except PromotionInProgress as other:
            log.warning("successor.not_started", successor=successor.id, other=other.promotion_id)

    def begin(self) -> None:
        self.wake.set()

    async def _automatic_rollback(self, promotion: Promotion) -> Plan | None:
        """Never of a rollback, never twice in a row (what changed nothing is in no row), and not when somebody acts.

        Of a release train only the apps go back whose own policy says so: nobody has approved that of the others.
        """
        plan = promotion.plan
        watched = self.policy.rules_together(plan.apps, plan.environment).watched
        promotion = replace(
            promotion, left_out=tuple(a for a in plan.apps if a in promotion.left_out or a not in watched)
        )
        if plan.kind is Kind.ROLLBACK or not promotion.moves:
            return None
        for app in promotion.apps:
            past = await self.store.history(app, plan.environment, LOOK_BACK)
            before = next((p for p in past if p.id != plan.id and p.commit), None)
            live = await self.store.live(app, plan.environment)
            if (before and before.plan.automatic) or (live and live.id != plan.id):
                return None
        return await self.planner.automatic_rollback(promotion, promotion.outcome)
