"""The promotions that are asked for, spoken to and looked up: what commands call, over the record and the engine."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from bot.domain.caller import Caller, Target
from bot.domain.errors import Conflict, NotAllowed, PromotionInProgress
from bot.domain.identity import promotion_id
from bot.domain.intent import Abort, Adjust, Approve, AskReason, Context, Reject, Rollback, Wish
from bot.domain.promotion import Phase, Plan, Promotion, Stage, VoteKind
from bot.domain.reason import need_reason
from bot.domain.reply import RollbackChoice
from bot.evaluation.evaluator import GateEvaluator
from bot.policy import Policy, authorize, no_promotion, shows_all, shows_any, visible
from bot.ports import Clock
from bot.promotions.decisions import heard, wait_until_heard
from bot.promotions.eligibility import Eligibility
from bot.promotions.planner import Planner
from bot.promotions.promotions import Claim, OlderImage, Promotions
from bot.promotions.rollback_targets import RollbackTargets
from bot.promotions.signals import Signal
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.promotions import PromotionStore
from bot.workflow.decision_steps import needed
from bot.workflow.journal import StoryEngine, pack
from bot.workflow.orphans import Orphans, has_begun

RECENT = 50
"""promotions that are offered to choose from"""


@dataclass(frozen=True)
class PromotionService(Promotions):
    """Authorises at the service, so that a refusal is told at once; the story authorises again where it acts."""

    database: Database
    store: PromotionStore
    audit: Audit
    engine: StoryEngine
    planner: Planner
    targets: RollbackTargets
    evaluator: GateEvaluator
    policy: Policy
    eligibility: Eligibility
    orphans: Orphans
    clock: Clock

    async def start(self, wish: Wish, caller: Caller, claim: Claim | None = None) -> Promotion:
        if known := await self.store.get(promotion_id(wish.context.request_id)):
            return known
        return await self._start(wish, _as_shown(wish, await self._plan(wish, caller)), caller, claim)

    async def preview(self, wish: Wish, caller: Caller) -> Promotion:
        plan = await self._plan(wish, caller)
        self._authorize(plan, caller)
        results = await self.evaluator.ask(plan, self.clock.now(), dry_run=True)
        return Promotion(plan, Phase.PENDING, Stage.GATES, results)

    async def rehearse(self, wish: Wish, caller: Caller) -> Promotion:
        promotion = await self.preview(wish, caller)
        self._confirmed(wish, promotion.plan)
        return promotion

    async def rollback_choices(self, ask: Rollback) -> tuple[RollbackChoice, ...]:
        return await self.targets.choices(ask.app, ask.environment)

    async def approve(self, ask: Approve, caller: Caller) -> Promotion:
        return await self._signal(VoteKind.APPROVE, ask.promotion, ask.context, caller, ask.content_hash)

    async def consider(self, ask: AskReason, caller: Caller) -> Promotion:
        return await self._checked(VoteKind.REJECT, ask.promotion, ask.context, caller, ask.content_hash)

    async def reject(self, ask: Reject, caller: Caller) -> Promotion:
        need_reason(ask.reason, "A rejection")
        return await self._signal(VoteKind.REJECT, ask.promotion, ask.context, caller, ask.content_hash, ask.reason)

    async def abort(self, ask: Abort, caller: Caller) -> Promotion:
        await self.orphans.look_at(ask.promotion)  # nobody would hear the word
        return await self._signal(VoteKind.ABORT, ask.promotion, ask.context, caller)

    async def adjust(self, ask: Adjust, caller: Caller) -> Promotion:
        return await self._signal(VoteKind.ADJUST, ask.promotion, ask.context, caller, left_out=ask.left_out)

    async def get(self, promotion_id: str) -> Promotion:
        if found := await self.store.get(promotion_id):
            return found
        raise no_promotion(promotion_id)

    async def find(self, promotion_id: str, caller: Caller, *, whole: bool = False) -> Promotion:
        found, shows = await self.store.get(promotion_id), shows_all if whole else shows_any
        if found and shows(self.policy, caller, found):
            return found
        speaks = await self.eligibility.speaks_for_absent(caller, found)
        if found and speaks and (not whole or self.eligibility.known(found, caller, speaks=True) == found.plan.apps):
            return found
        raise no_promotion(promotion_id)

    async def seen(self, promotion: Promotion, caller: Caller) -> tuple[str, ...]:
        return await self.eligibility.seen(promotion, caller)

    async def waiting_for(self, caller: Caller) -> tuple[Promotion, ...]:
        asked = [one for one in await self.store.all_live() if one.stage is Stage.APPROVAL]
        asked.sort(key=lambda promotion: promotion.plan.requested_at)
        return tuple([one for one in asked if await self._may_approve(one, caller)])

    async def _may_approve(self, promotion: Promotion, caller: Caller) -> bool:
        """Of a train with apps that they may not view, its card is what people decide on: nothing else names them."""
        lent = await self.eligibility.lent_to(caller, promotion)
        if not (lent.roles or shows_all(self.policy, caller, promotion)):
            return False
        try:
            self.eligibility.check(promotion, VoteKind.APPROVE, caller, promotion.content_hash, lent.roles)
        except (NotAllowed, Conflict):
            return False
        return all(approval.approver.id != caller.id for approval in promotion.approvals)

    async def recent(self, caller: Caller, *, live: bool = False) -> tuple[Promotion, ...]:
        found = await self.store.all_live() if live else await self.store.history("", "", RECENT)
        seen = [one for one in found if shows_all(self.policy, caller, one)]
        return tuple(sorted(seen, key=lambda one: one.plan.requested_at, reverse=True))

    async def live(self, app: str, environment: str) -> Promotion | None:
        return await self.store.live(app, environment)

    async def resume(self) -> int:
        """Start the stories that were written down but not begun before a crash. Returns how many."""
        waiting = [promotion for promotion in await self.store.all_live() if not has_begun(promotion)]
        stories = await self.engine.stories([promotion.id for promotion in waiting])
        begun = [promotion for promotion in waiting if promotion.id not in stories]
        for promotion in begun:
            await self.engine.start(promotion.id, pack(promotion.plan))
        return len(begun)

    async def _plan(self, wish: Wish, caller: Caller) -> Plan:
        """Whoever names no apps means those that they may view."""
        known = partial(visible, self.policy, caller, environment=wish.environment)
        return await self.planner.plan(wish, caller.person, known)

    async def _start(self, wish: Wish, plan: Plan, caller: Caller, claim: Claim | None) -> Promotion:
        where, request, glass = (plan.apps, plan.environment), wish.context.request_id, plan.break_glass
        async with self.audit.refusals(caller.id, plan.kind, *where, request=request, break_glass=glass):
            self._authorize(plan, caller)
        self._confirmed(wish, plan)
        promotion = Promotion(plan, Phase.RUNNING, Stage.GATES)
        try:
            async with self.database.begin() as connection:
                if claim:
                    await claim(connection)
                await self.store.create(connection, promotion)
        except PromotionInProgress as other:
            if other.promotion_id == plan.id:
                return await self.get(plan.id)
            raise
        await self.engine.start(plan.id, pack(plan))
        return promotion

    def _authorize(self, plan: Plan, caller: Caller) -> None:
        for app in plan.apps:
            for permission in needed(plan):
                authorize(self.policy, caller, permission, Target(app, plan.environment))

    def _confirmed(self, wish: Wish, plan: Plan) -> None:
        """Raises OlderImage. A rollback says by itself that it goes back; broken glass has shown it and asked."""
        older = [move for move in plan.moves if move.older]
        asks = plan.environment in self.policy.careful and not (isinstance(wish, Rollback) or plan.break_glass)
        if older and asks and wish.older != plan.glass_hash:
            one = older[0]
            raise OlderImage(
                f"{one.app} {one.after.label} is older than what {plan.environment} has now ({one.label_before}), and "
                "you have not confirmed that. Ask for it again, and confirm it.",
                plan,
            )

    async def _signal(
        self,
        kind: VoteKind,
        promotion: str,
        context: Context,
        caller: Caller,
        content_hash: str = "",
        reason: str = "",
        left_out: tuple[str, ...] = (),
    ) -> Promotion:
        signal = Signal(kind, caller.id, caller.team, content_hash, context.request_id, reason, left_out)
        if context.again and heard(before := await self.find(promotion, caller), signal):
            return before  # by the process that did not come to its end
        found = await self._checked(kind, promotion, context, caller, content_hash, left_out)
        await self.engine.signal(found.id, f"{found.id}:{context.request_id}", pack(signal))
        await self._hear(found, signal, caller)
        return found

    async def _hear(self, promotion: Promotion, signal: Signal, caller: Caller) -> None:
        """Raises Conflict, which is written down, for a word that came just too late."""
        async with self._refusals(promotion, signal.kind, signal.request_id, caller):
            with self.store.written.watched(promotion.id) as written:
                await wait_until_heard(signal, partial(self.get, promotion.id), written)

    async def _checked(
        self,
        kind: VoteKind,
        promotion: str,
        context: Context,
        caller: Caller,
        content_hash: str,
        left_out: tuple[str, ...] = (),
    ) -> Promotion:
        """The promotion, if the caller's word about it would count now; a refusal is written down."""
        found = await self.find(promotion, caller)
        async with self._refusals(found, kind, context.request_id, caller):
            lent = await self.eligibility.lent_to(caller, found)
            self.eligibility.check(found, kind, caller, content_hash, lent.roles)
            if kind is VoteKind.ADJUST:
                self.eligibility.check_adjusted(found, caller, left_out)
        return found

    def _refusals(
        self, promotion: Promotion, kind: VoteKind, request: str, caller: Caller
    ) -> AbstractAsyncContextManager[None]:
        """The story may have written it down already: then that is the row."""
        plan = promotion.plan
        where = (plan.apps, plan.environment)
        return self.audit.refusals(caller.id, kind, *where, request=request, promotion_id=plan.id)


def _as_shown(wish: Wish, plan: Plan) -> Plan:
    """The plan. Raises Conflict where the glass would break for something else than what was shown before the press."""
    if plan.break_glass and not wish.saw(plan.glass_hash):
        raise Conflict(
            "What would happen has changed since you were asked: other images, or other gates that are skipped. "
            "Nothing has started. Type the command again, and look at what it says now."
        )
    return plan
