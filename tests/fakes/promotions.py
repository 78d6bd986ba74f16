"""Promotions in memory: started, voted on and looked up, without gates, git and clusters."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.domain.application import ApplicationRef
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, NotAllowed, PromotionInProgress
from bot.domain.image import Image
from bot.domain.intent import Abort, Adjust, Approve, AskReason, Context, Deploy, Promote, Reject, Rollback
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Approval, ApprovalRule, Kind, Move, Phase, Plan, Promotion, Stage, Vote, VoteKind
from bot.domain.reply import RollbackChoice
from bot.policy import Policy, authorize, no_promotion, shows_all, shows_any
from bot.promotions.promotions import Promotions

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
    asked: list[Deploy | Promote | Rollback] = field(default_factory=list)
    failing: Exception | None = None
    policy: Policy = field(default_factory=Policy)
    """says who may decide"""

    async def deploy(self, ask: Deploy, caller: Caller) -> Promotion:
        return self._start(ask, (ask.app,), ask.environment, ask.image or "1.4.2", caller)

    async def promote(self, ask: Promote, caller: Caller) -> Promotion:
        return self._start(ask, ask.apps or ("my-app", "ledger"), ask.environment, "1.4.2", caller)

    async def rollback(self, ask: Rollback, caller: Caller) -> Promotion:
        return self._start(ask, (ask.app,), ask.environment, ask.to or "1.4.0", caller)

    async def preview(self, ask: Deploy | Promote, caller: Caller) -> Promotion:
        apps = (ask.app,) if isinstance(ask, Deploy) else ask.apps
        return Promotion(self._plan(ask.context, apps, ask.environment, "1.4.2", caller), Phase.PENDING, Stage.GATES)

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

    def _start(
        self, ask: Deploy | Promote | Rollback, apps: tuple[str, ...], environment: str, tag: str, caller: Caller
    ) -> Promotion:
        if self.failing:
            raise self.failing
        self.asked.append(ask)
        plan = self._plan(ask.context, apps, environment, tag, caller)
        if plan.id in self.all:
            return self.all[plan.id]
        for one in self.all.values():
            both = [app for app in one.plan.apps if app in apps]
            if one.plan.environment == environment and both and not one.phase.final:
                raise PromotionInProgress(f"{', '.join(both)} is on its way to {environment} already.", one.id)
        return self._keep(Promotion(plan, Phase.RUNNING, Stage.APPROVAL))

    def _plan(self, context: Context, apps: tuple[str, ...], environment: str, tag: str, caller: Caller) -> Plan:
        return Plan(
            id=f"p-{context.request_id[:8]}",
            kind=Kind.PROMOTION,
            environment=environment,
            source="staging",
            moves=tuple(_move(app, environment, tag) for app in apps),
            requester=caller.person,
            channel=context.channel,
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
