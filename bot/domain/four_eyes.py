"""Was there a second pair of eyes? Pure."""

from bot.domain.authorship import NOBODY, People, same_person
from bot.domain.delivery import Cause, Deployment
from bot.domain.promotion import Promotion
from bot.domain.safety import Review


def unseen(promotion: Promotion, review: Review | None, people: People = NOBODY) -> str:
    """Why nobody but the requester has looked at a change, "" when somebody has; by whichever account.

    `people`: the policy's.
    """
    plan = promotion.plan
    others = [one for one in promotion.approvals if not same_person(one.approver, plan.requester, people)]
    if plan.break_glass:
        if review and review.closed_by and not same_person(review.closed_by, plan.requester, people):
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
