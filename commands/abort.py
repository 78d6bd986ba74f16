"""The button Abort, and its keyboard twin."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Abort, Context
from bot.domain.reply import Reply, Topic, decided
from bot.grammar import Words
from bot.promotions.promotions import Promotions


def parse(words: Words) -> Abort:
    promotion = words.identifier("the promotion that you abort; its id is at the foot of its card")
    words.done()
    return Abort(context=words.context, promotion=promotion)


def read(filled: Filled, context: Context) -> Abort:
    return Abort(context=context, promotion=filled[Input.LIVE])


FORM = CommandForm("Abort", (FormField(Input.LIVE, needed=True),), read)


@command(
    "abort",
    usage="/abort PROMOTION",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.DECIDE,
    examples=("/abort p-7f3a",),
)
async def abort(ask: Abort, caller: Caller, promotions: Promotions) -> Reply:
    """Take back a promotion that has not been committed yet; for its requester and for administrators."""
    named = await promotions.find(ask.promotion, caller)
    await promotions.abort(ask, caller)
    return decided(named, "aborted", ask.context.channel)
