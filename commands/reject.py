"""A no, with its reason: from the modal behind Reject, or typed."""

from dataclasses import replace

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, Intent, Reject
from bot.domain.reply import Reply, Silent, Topic, decided
from bot.grammar import Words
from bot.promotions.promotions import Promotions


def parse(words: Words) -> Intent:
    if words.names_image:
        return words.rejected_image()
    promotion = words.identifier("the promotion that you reject; its id is at the foot of its card")
    reason = words.rest()
    if not reason:
        words.refuse("A rejection needs a reason.", "Say it after the promotion's id.")
    return Reject(context=words.context, promotion=promotion, content_hash="", reason=reason)


def read(filled: Filled, context: Context) -> Reject:
    return Reject(context=context, promotion=filled[Input.LIVE], content_hash="", reason=filled[Input.REASON])


FORM = CommandForm(
    "Reject",
    (
        FormField(Input.LIVE, needed=True),
        FormField(Input.REASON, needed=True, hint="The requester and everyone in the channel read this."),
    ),
    read,
)


@command(
    "reject",
    usage="/reject PROMOTION REASON",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.DECIDE,
    examples=("/reject p-7f3a not before the load test",),
)
async def reject(ask: Reject, caller: Caller, promotions: Promotions) -> Reply:
    """Say no to a promotion that waits for approval; it ends there, and its card shows your reason.

    `/reject APP@TAG REASON` rejects an image: nobody can promote it.
    """
    if not ask.content_hash:
        named = await promotions.find(ask.promotion, caller)
        await promotions.reject(replace(ask, content_hash=named.content_hash), caller)
        return decided(named, "rejected", ask.context.channel)
    await promotions.reject(ask, caller)
    return Silent()
