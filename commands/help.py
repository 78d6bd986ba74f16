"""`/pilothouse help`, and `help` after every command."""

from bot.command import CommandRegistry, command
from bot.domain.caller import Permission
from bot.domain.intent import Help
from bot.domain.reply import HelpPage, Reply, Topic
from bot.grammar import Words


def parse(words: Words) -> Help:
    return Help(context=words.context, verb=words.rest().removeprefix("/").lower())


@command(
    "help",
    usage="/pilothouse help [COMMAND]",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    everybody=True,
    topic=Topic.PEOPLE,
    examples=("/pilothouse help deploy",),
)
async def help_page(ask: Help, registry: CommandRegistry) -> Reply:
    """List the commands, or explain one."""
    return HelpPage(registry.help(ask.verb), overview=not ask.verb)
