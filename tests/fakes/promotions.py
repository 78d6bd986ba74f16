"""Promotions in memory: started, voted on and looked up, without gates, git and clusters."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.domain.application import ApplicationRef
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, NotAllowed, PromotionInProgress
from bot.domain.image import Image
from bot.domain.intent import Abort, Adjust, Approve, AskReason, Reject, Rollback, Wish
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Approval, ApprovalRule, Kind, Move, Phase, Plan, Promotion, Stage, Vote, VoteKind
from bot.domain.reply import RollbackChoice
from bot.policy import Policy, authorize, no_promotion, shows_all, shows_any, visible
from bot.promotions.promotions import Claim, Promotions

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HOST = "harbor.example.com/apps"


def image(app: str, tag: str) -> Image:
    return Image(f"{HOST}/{app}", "sha256:" + hashlib.sha256(f"{app}:{tag}".encode()).hexdigest(), tag)


@dataclass
class MemoryRecord:
    """The promotions that are on record, newest first."""

    promotions: list[Promotion] = field(default_factory=list)

    async def history(self, app: str, environment: str, limit: int) -> tuple[Promotion, ...]:
        there = (p for p in self.promotions if app in p.plan.apps and environment == p.plan.environment)
        return tuple(there)[:limit]


@dataclass
class MemoryPromotions(Promotions):
    """One yes by anybody but the requester is enough. `choices` is what there is to roll back to."""

    all: dict[str, Promotion] = field(default_factory=dict)
    choices: tuple[RollbackChoice, ...] = ()
    asked: list[Wish] = field(default_factory=list)
    failing: Exception | None = None
    policy: Policy = field(default_factory=Policy)
    """says who may decide"""

    async def start(self, wish: Wish, caller: Caller, claim: Claim | None = None) -> Promotion:
        if self.failing:
            raise self.failing
        self.asked.append(wish)
        plan = self._plan(wish, caller)
        if plan.id in self.all:
            return self.all[plan.id]
        apps = plan.apps
        for one in self.all.values():
            if one.plan.environment != wish.environment or one.phase.final:
                continue
            if both := [move.app for move in one.plan.moves if move.app in apps]:
                raise PromotionInProgress(f"{', '.join(both)} is on its way to {wish.environment} already.", one.id)
        return self._keep(Promotion(plan, Phase.RUNNING, Stage.APPROVAL))

    async def preview(self, wish: Wish, caller: Caller) -> Promotion:
        return Promotion(self._plan(wish, caller), Phase.PENDING, Stage.GATES)

    async def rehearse(self, wish: Wish, caller: Caller) -> Promotion:
        return await self.preview(wish, caller)

    async def rollback_choices(self, ask: Rollback) -> tuple[RollbackChoice, ...]:
        return self.choices

    async def approve(self, ask: Approve, caller: Caller) -> Promotion:
        promotion = self._open_to(caller, ask.promotion, ask.content_hash)
        if caller.id == promotion.plan.requester.id:
            raise NotAllowed("You asked for this promotion, so you cannot approve it. Ask @release-managers.")
        yes = Approval(caller.person, ask.content_hash, NOW)
        return self._keep(replace(promotion, approvals=(*promotion.approvals, yes), stage=Stage.COMMIT))

    async def consider(self, ask: AskReason, caller: Caller) -> Promotion:
        return self._open_to(caller, ask.promotion, ask.content_hash)

    async def reject(self, ask: Reject, caller: Caller) -> Promotion:
        promotion = self._open_to(caller, ask.promotion, ask.content_hash)
        no = Vote(VoteKind.REJECT, caller.person, NOW, ask.content_hash, ask.reason)
        return self._keep(replace(promotion, rejection=no, phase=Phase.FAILED, stage=Stage.DONE))

    def _open_to(self, caller: Caller, promotion_id: str, content_hash: str) -> Promotion:
        promotion = self._open(promotion_id, content_hash)
        for app in promotion.plan.apps:
            authorize(self.policy, caller, Permission.APPROVE, Target(app, promotion.plan.environment))
        return promotion

    async def abort(self, ask: Abort, caller: Caller) -> Promotion:
        promotion = await self.get(ask.promotion)
        if caller.id != promotion.plan.requester.id:
            raise NotAllowed("Only who asked for a promotion may abort it.")
        return self._keep(replace(promotion, phase=Phase.ABORTED, stage=Stage.DONE))

    async def adjust(self, ask: Adjust, caller: Caller) -> Promotion:
        promotion = await self.get(ask.promotion)
        if caller.id != promotion.plan.requester.id:
            raise NotAllowed("Only who asked for a promotion may adjust it.")
        return self._keep(replace(promotion, left_out=ask.left_out, approvals=()))

    async def get(self, promotion_id: str) -> Promotion:
        if self.failing:
            raise self.failing
        if promotion_id not in self.all:
            raise no_promotion(promotion_id)
        return self.all[promotion_id]

    async def find(self, promotion_id: str, caller: Caller, *, whole: bool = False) -> Promotion:
        found = await self.get(promotion_id)
        if not (shows_all if whole else shows_any)(self.policy, caller, found):
            raise no_promotion(promotion_id)
        return found

    async def seen(self, promotion: Promotion, caller: Caller) -> tuple[str, ...]:
        if shows_all(self.policy, caller, promotion):
            return promotion.plan.apps
        return visible(self.policy, caller, promotion.plan.apps, promotion.plan.environment)

    async def waiting_for(self, caller: Caller) -> tuple[Promotion, ...]:
        asked = (one for one in self.all.values() if one.stage is Stage.APPROVAL and not one.phase.final)
        return tuple(one for one in asked if one.plan.requester.id != caller.id)

    async def recent(self, caller: Caller, *, live: bool = False) -> tuple[Promotion, ...]:
        return tuple(
            one
            for one in reversed(self.all.values())
            if shows_all(self.policy, caller, one) and not (live and one.phase.final)
        )

    async def live(self, app: str, environment: str) -> Promotion | None:
        return next(
            (
                one
                for one in self.all.values()
                if app in one.plan.apps and one.plan.environment == environment and not one.phase.final
            ),
            None,
        )

    @property
    def only(self) -> Promotion:
        (one,) = self.all.values()
        return one

    def _plan(self, wish: Wish, caller: Caller) -> Plan:
        tag = wish.named_image or ("1.4.0" if isinstance(wish, Rollback) else "1.4.2")
        return Plan(
            id=f"p-{wish.context.request_id[:8]}",
            kind=Kind.PROMOTION,
            environment=wish.environment,
            source="staging",
            moves=tuple(_move(app, wish.environment, tag) for app in wish.named_apps or ("my-app", "ledger")),
            requester=caller.person,
            channel=wish.context.channel,
            requested_at=NOW,
            gates=(),
            approval=ApprovalRule(count=1),
            seen_commit="0" * 40,
        )

    def _open(self, promotion_id: str, content_hash: str) -> Promotion:
        if promotion_id not in self.all:
            raise no_promotion(promotion_id)
        promotion = self.all[promotion_id]
        if promotion.phase.final or promotion.stage is not Stage.APPROVAL:
            raise Conflict("This promotion has been decided already.")
        if promotion.content_hash != content_hash:
            raise Conflict("The card is stale: it shows something else than what waits now.")
        return promotion

    def _keep(self, promotion: Promotion) -> Promotion:
        self.all[promotion.id] = promotion
        return promotion


def _move(app: str, environment: str, tag: str) -> Move:
    return Move(
        app,
        f"apps/{app}/overlays/{environment}/kustomization.yaml",
        OverlayImage(f"{HOST}/{app}", f"{HOST}/{app}", "1.4.1"),
        image(app, tag),
        ApplicationRef(f"{app}-{environment}", environment),
    )
