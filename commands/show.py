"""`/show p-7f3a`: a promotion, wherever its card is."""

from bot.domain.caller import Caller, Permission, Target
from bot.domain.intent import ShowPromotion
from bot.domain.reply import Reply, Shown
from bot.grammar import Words
from bot.policy import Policy, authorize
from bot.registry import command
from bot.workflow.promotions import Promotions


def parse(words: Words) -> ShowPromotion:
    promotion = words.identifier("a promotion; its id is at the foot of its card")
    words.done()
    return ShowPromotion(context=words.context, promotion=promotion)


@command("show", usage="/show PROMOTION", allow=Permission.VIEW, parse=parse, names=False)
async def show(ask: ShowPromotion, caller: Caller, promotions: Promotions, policy: Policy) -> Reply:
    """A promotion as it stands now: what its card shows, for you alone."""
    promotion = await promotions.get(ask.promotion)
    for app in promotion.plan.apps:
        authorize(policy, caller, Permission.VIEW, Target(app, promotion.plan.environment))
    return Shown(promotion)
