"""The button Approve, and its keyboard twin."""

from dataclasses import replace

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.errors import Conflict
from bot.domain.intent import Approve
from bot.domain.reply import ApprovalRequests, Reply, Silent, Topic, decided
from bot.grammar import Words
from bot.policy import Policy
from bot.promotions.promotions import Promotions


def parse(words: Words) -> Approve:
    if not words:
        return Approve(context=words.context, promotion="", content_hash="")
    promotion = words.identifier("the promotion that you approve; its id is at the foot of its card")
    words.done()
    return Approve(context=words.context, promotion=promotion, content_hash="")


@command(
    "approve",
    usage="/approve [PROMOTION]",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    topic=Topic.DAILY,
    examples=("/approve", "/approve p-7f3a"),
)
async def approve(ask: Approve, caller: Caller, promotions: Promotions, policy: Policy) -> Reply:
    """Say yes to a promotion that waits for approval.

    You approve exactly what its card shows; when that changes, the approval is void. Without PROMOTION, and where it
    took more than ten seconds to come to your words: shows what waits for your approval, with the buttons.
    """
    if not ask.promotion:
        # Never a yes by itself: what waits may be something else than the person has in mind.
        return ApprovalRequests(await promotions.waiting_for(caller), policy.careful)
    if not ask.content_hash:
        # Who types an id has no card in the request: what holds at this moment is what they say yes to.
        named = await promotions.find(ask.promotion, caller)
        if ask.context.late:  # and what held when it was typed may have been something else
            mine = tuple(one for one in await promotions.waiting_for(caller) if one.id == named.id)
            if not mine:
                raise Conflict(f"It does not wait for your approval now: `/show {named.id}` shows it.")
            return ApprovalRequests(mine, policy.careful)
        await promotions.approve(replace(ask, content_hash=named.content_hash), caller)
        return decided(named, "approved", ask.context.channel)
    await promotions.approve(ask, caller)
    return Silent()
