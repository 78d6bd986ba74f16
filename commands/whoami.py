"""`/pilothouse whoami`: who you are to Pilothouse."""

from bot.domain.caller import Caller, Permission
from bot.domain.reply import Reply
from bot.domain.safety_intent import WhoAmI
from bot.grammar import Words
from bot.registry import command
from bot.safety.permissions import Permissions


def parse(words: Words) -> WhoAmI:
    words.done()
    return WhoAmI(context=words.context)


@command("whoami", usage="/pilothouse whoami", allow=Permission.VIEW, parse=parse, names=False)
async def whoami(ask: WhoAmI, caller: Caller, permissions: Permissions) -> Reply:  # noqa: ARG001 (there is one answer)
    """Who you are to Pilothouse: your user groups, the roles that policy gives you, and who lends you their voice."""
    return await permissions.identity(caller)
