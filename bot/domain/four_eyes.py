"""Was there a second pair of eyes? Pure."""

from bot.domain.delivery import Cause, Deployment
from bot.domain.promotion import Promotion
from bot.domain.safety import Review


def unseen(promotion: Promotion, review: Review | None) -> str:
    """Why nobody but the requester has looked at a change, "" when somebody has."""
    plan = promotion.plan
    others = [approval for approval in promotion.approvals if approval.approver.id != plan.requester.id]
    if plan.break_glass:
        if review and review.closed_by and review.closed_by.id != plan.requester.id:
            return ""
        return "the glass was broken, and its review is owed" if review else "the glass was broken without a review"
    if others:
        return ""
    if plan.automatic:
        return "rolled back by policy, without a person"
    return "approved by nobody but the requester" if promotion.approvals else "approved by nobody"


def unapproved(deployment: Deployment) -> str:
    """Why nobody has approved a deployment; "" for Pilothouse's own, whose promotion tells."""
    if deployment.cause.ours:
        return ""
    how = "by a pipeline" if deployment.cause is Cause.PIPELINE else deployment.cause
    return f"changed {how}: Pilothouse asked nobody for an approval"
