"""What today's policy asks of a promotion that was asked for under yesterday's. The stricter of both holds."""

from dataclasses import dataclass, replace

from bot.domain.approval import stricter
from bot.domain.promotion import ApprovalRule, Kind, Plan, Promotion
from bot.evaluation.evaluator import GateEvaluator
from bot.policy import Policy
from bot.promotions.signals import Terms


@dataclass(frozen=True)
class CurrentPolicy:
    policy: Policy
    evaluator: GateEvaluator

    def gates(self, plan: Plan) -> Plan:
        """The plan with every gate that either policy names; skipped is only what both skip.

        A story of the first version is told as it was: its approvals hold for the gates that it knew.
        """
        if plan.version == 1:
            return plan
        named = (name for app in plan.apps for name in self.evaluator.names(app, plan.environment))
        skipped = {gate: why for gate, why in plan.skipped_gates.items() if gate in self._still_skipped(plan)}
        return replace(plan, gates=tuple(dict.fromkeys([*plan.gates, *named])), skipped_gates=skipped)

    def terms(self, promotion: Promotion) -> Terms:
        """What is asked of it from here on."""
        rules = self.policy.rules_together(promotion.plan.apps, promotion.plan.environment)
        plan = promotion.plan
        since = rules.pull_request and plan.keeps_terms and not plan.pull_request
        return Terms(self._tightened(promotion), rules.pull_request or plan.pull_request, rules.watched, since)

    def _tightened(self, promotion: Promotion) -> ApprovalRule | None:
        """A rollback by policy asks nobody, nor does a broken glass: whether it may be broken is a permission."""
        plan = promotion.plan
        if plan.automatic or plan.break_glass:
            return None
        rules = {app: self.policy.rules(app, plan.environment) for app in promotion.apps}
        back = plan.kind is Kind.ROLLBACK
        return stricter(
            plan.approval, {app: r.rollback_approval() if back else r.approval() for app, r in rules.items()}
        )

    def _still_skipped(self, plan: Plan) -> set[str]:
        rules = [self.policy.rules(app, plan.environment) for app in plan.apps]
        skipped: set[str] = {"alerts"} if plan.automatic else set()
        if plan.kind is Kind.ROLLBACK:
            skipped |= set.intersection(*(set(r.rollback().skip_gates) for r in rules))
        if plan.break_glass:
            skipped |= set.intersection(*(set(r.break_glass().skip_gates) for r in rules))
        return skipped
