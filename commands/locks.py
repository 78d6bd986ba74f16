"""`/locks`: what holds promotions back now."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import ShowHolds
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.queries.holds import HoldsQuery


def parse(words: Words) -> ShowHolds:
    words.done()
    return ShowHolds(context=words.context)


@command(
    "locks",
    usage="/locks",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    topic=Topic.HOLD,
    examples=("/locks",),
)
async def locks(ask: ShowHolds, caller: Caller, query: HoldsQuery) -> Reply:  # noqa: ARG001 (it asks for all there is)
    """What is locked and frozen, by people and by the policy's windows; rejected images, and reviews that are owed.

    Each with who or what holds it, until when and why. Argo CD's own sync windows are not among them: a promotion asks
    for those where policy has the gate `window`.
    """
    return await query.holds(caller)
