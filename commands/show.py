"""`/show p-7f3a`: a promotion, wherever its card is."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, ShowPromotion
from bot.domain.reply import Reply, Shown, Topic
from bot.grammar import Words
from bot.promotions.promotions import Promotions


def parse(words: Words) -> ShowPromotion:
    promotion = words.identifier("a promotion; its id is at the foot of its card")
    words.done()
    return ShowPromotion(context=words.context, promotion=promotion)


def read(filled: Filled, context: Context) -> ShowPromotion:
    return ShowPromotion(context=context, promotion=filled[Input.PROMOTION])


FORM = CommandForm("Show", (FormField(Input.PROMOTION, needed=True),), read)


@command(
    "show",
    usage="/show PROMOTION",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.DECIDE,
    examples=("/show p-7f3a",),
)
async def show(ask: ShowPromotion, caller: Caller, promotions: Promotions) -> Reply:
    """A promotion as it stands now: what its card shows, for you alone."""
    return Shown(await promotions.find(ask.promotion, caller, whole=True))
