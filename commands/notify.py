"""The button "Notify me when ready", and its keyboard twin."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, Subscribe
from bot.domain.reply import Reply, Told, Topic
from bot.grammar import Words
from bot.promotions.promotions import Promotions
from bot.promotions.subscribers import Subscribers


def parse(words: Words) -> Subscribe:
    promotion = words.identifier("the promotion that you want to hear of; its id is at the foot of its card")
    words.done()
    return Subscribe(context=words.context, promotion=promotion)


def read(filled: Filled, context: Context) -> Subscribe:
    return Subscribe(context=context, promotion=filled[Input.LIVE])


FORM = CommandForm("Notify me", (FormField(Input.LIVE, needed=True),), read)


@command(
    "notify",
    usage="/notify PROMOTION",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.LATER,
    examples=("/notify p-7f3a",),
)
async def notify(ask: Subscribe, caller: Caller, promotions: Promotions, subscribers: Subscribers) -> Reply:
    """Get a direct message when the gates of a promotion pass, or when it ends before that."""
    promotion = await promotions.find(ask.promotion, caller, whole=True)
    if not promotion.blocked or promotion.phase.final:
        return Told("There is nothing left to wait for: look at the card.")
    await subscribers.add(promotion.id, caller.person)
    return Told("You will get a message as soon as the gates pass.")
