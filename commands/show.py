"""`/show p-7f3a`: a promotion, wherever its card is."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import ShowPromotion
from bot.domain.reply import Reply, Shown
from bot.grammar import Words
from bot.promotions.promotions import Promotions


def parse(words: Words) -> ShowPromotion:
    promotion = words.identifier("a promotion; its id is at the foot of its card")
    words.done()
    return ShowPromotion(context=words.context, promotion=promotion)


@command("show", usage="/show PROMOTION", allow=Permission.VIEW, parse=parse, names=False)
async def show(ask: ShowPromotion, caller: Caller, promotions: Promotions) -> Reply:
    """A promotion as it stands now: what its card shows, for you alone."""
    return Shown(await promotions.find(ask.promotion, caller, whole=True))
