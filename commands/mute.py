"""`/pilothouse mute`: no direct messages that ask for approvals."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import Mute
from bot.domain.reply import Reply, Told
from bot.grammar import Words
from bot.store.mutes import MuteStore


def parse(words: Words) -> Mute:
    off = words.keyword("off")
    words.done()
    return Mute(context=words.context, off=off)


@command(
    "mute",
    usage=("/pilothouse mute", "/pilothouse mute off"),
    allow=Permission.VIEW,
    parse=parse,
    names=False,
)
async def mute(ask: Mute, caller: Caller, mutes: MuteStore) -> Reply:
    """Get no direct messages that ask you to approve; `off` ends that. Cards still mention you in their channels."""
    if ask.off:
        await mutes.unmute(caller.person)
        return Told("I ask you for approvals in direct messages again.")
    await mutes.mute(caller.person)
    return Told("I ask you for approvals only in channels from now on. `/pilothouse mute off` ends that.")
