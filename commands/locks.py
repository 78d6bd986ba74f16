"""`/locks`: what holds promotions back now."""

from bot.domain.caller import Caller, Permission
from bot.domain.reply import Reply
from bot.domain.safety_intent import ShowHolds
from bot.grammar import Words
from bot.registry import command
from bot.safety.standing import HoldsBoard


def parse(words: Words) -> ShowHolds:
    words.done()
    return ShowHolds(context=words.context)


@command("locks", usage="/locks", allow=Permission.VIEW, parse=parse, names=False)
async def locks(ask: ShowHolds, caller: Caller, board: HoldsBoard) -> Reply:  # noqa: ARG001 (it asks for all there is)
    """What is locked and frozen, by whom, since when and why; rejected images, and reviews that are owed."""
    return await board.holds(caller)
