"""`/pilothouse whoami`: who you are to Pilothouse."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import WhoAmI
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.queries.permissions import Permissions


def parse(words: Words) -> WhoAmI:
    words.done()
    return WhoAmI(context=words.context)


@command(
    "whoami",
    usage="/pilothouse whoami",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    everybody=True,
    topic=Topic.PEOPLE,
    examples=("/pilothouse whoami",),
)
async def whoami(ask: WhoAmI, caller: Caller, permissions: Permissions) -> Reply:  # noqa: ARG001 (there is one answer)
    """Who you are to Pilothouse: your user groups, the roles that policy gives you, and who has delegated to you."""
    return await permissions.identity(caller)
