"""The button Reject: it asks why."""

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict
from bot.domain.intent import AskReason
from bot.domain.reply import ReasonForm, Reply
from bot.policy import Policy, authorize
from bot.registry import command
from bot.workflow.promotions import Promotions


@command("ask reason", allow=Permission.APPROVE, modal="Reject")
async def ask_reason(ask: AskReason, caller: Caller, promotions: Promotions, policy: Policy) -> Reply:
    """Ask for the reason of a rejection; refuses at once who could not reject, or what is decided already."""
    promotion = await promotions.get(ask.promotion)
    for app in promotion.plan.apps:
        authorize(policy, caller, Permission.APPROVE, Target(app, promotion.plan.environment))
    if promotion.phase.final:
        raise Conflict(f"This promotion has ended: {promotion.phase}.")
    return ReasonForm(promotion)
