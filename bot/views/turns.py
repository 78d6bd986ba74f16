"""What is out of the ordinary about a promotion, said in the open: broken glass, an automatic rollback, void votes."""

from bot.domain.promotion import Promotion, Stage
from bot.domain.safety import Review
from bot.views import words
from bot.views.words import DAY_AND_TIME, code, mention, moment, safe


def opening_lines(promotion: Promotion, review: Review | None = None) -> list[str]:
    """At the top of the card; `review` is the one that it owes, or that was given."""
    plan = promotion.plan
    lines = []
    if plan.break_glass:
        lines.append(f"🚨 *{mention(plan.requester)} broke the glass*: {safe(plan.reason, 600)}")
        lines.append(f"It needs no approval{_not_asked(promotion)}. {_review(promotion, review)}")
    if plan.automatic:
        lines.append(f"🤖 *Pilothouse rolls back automatically*: {safe(plan.reason, 900)}")
    if plan.replaces:
        lines.append(f"This takes the place of {code(plan.replaces, 80)}.")
    return lines


def void_lines(promotion: Promotion) -> list[str]:
    """While people are asked again."""
    asking = promotion.stage in (Stage.GATES, Stage.APPROVAL) and not promotion.phase.final
    if not (asking and words.clean(promotion.voided)):
        return []
    why = words.ended(safe(promotion.voided, 500))
    return [f"♻️ Earlier approvals no longer count: {why} Look again, and decide again."]


def successor_lines(promotion: Promotion) -> list[str]:
    """What came in its place."""
    if not promotion.successor:
        return []
    name = code(promotion.successor, 80)
    if promotion.commit:
        if len(promotion.plan.apps) > 1:
            return [f"🤖 Pilothouse automatically rolls back the apps whose policy says so: {name}."]
        return [f"🤖 Pilothouse rolls this back automatically: {name}."]
    return [f"➡️ A new card was issued: {name}."]


def _not_asked(promotion: Promotion) -> str:
    plan = promotion.plan
    skipped = [gate for gate in plan.gates if gate in plan.skipped_gates]
    return f", and {words.gates(skipped)} cannot stop it" if skipped else ""


def _review(promotion: Promotion, review: Review | None) -> str:
    if review and review.closed_by:
        when = f" {moment(review.closed_at, DAY_AND_TIME)}" if review.closed_at else ""
        return f"👀 {mention(review.closed_by)} reviewed it{when}: {safe(review.note, 600)}"
    if promotion.commit:
        return f"Somebody else must review it: {code(f'/review {promotion.id} NOTE', 120)}."
    return "Once it is in git, somebody else must review it."
