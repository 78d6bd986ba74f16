"""`/unfreeze prod`: go on."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import EndFreeze, Intent
from bot.domain.reply import Reply
from bot.grammar import IN, Slots, Words
from bot.safety.freezes import FreezeService


def parse(words: Words) -> Intent:
    place = words.place(Slots(), to=IN)
    if not place.environment:
        words.refuse("Name an environment.")
    return EndFreeze(context=words.context, app=place.app, environment=place.environment)


@command("unfreeze", usage="/unfreeze [APP] ENV", allow=Permission.FREEZE, parse=parse)
async def unfreeze(ask: EndFreeze, caller: Caller, freezes: FreezeService) -> Reply:
    """End the freeze that somebody called. The windows of the policy stay as they are."""
    return await freezes.end(ask, caller)
