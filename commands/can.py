"""`/pilothouse can my-app prod`: what you may do there."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import CanI, Intent
from bot.domain.reply import Reply, Topic
from bot.grammar import IN, Slots, Words
from bot.queries.permissions import Permissions


def parse(words: Words) -> Intent:
    place = words.place(Slots(), to=IN)
    if not (place.app and place.environment):
        words.refuse("Name an app and an environment.")
    return CanI(context=words.context, app=place.app, environment=place.environment)


@command(
    "can",
    usage="/pilothouse can APP ENV",
    allow=Permission.VIEW,
    parse=parse,
    topic=Topic.PEOPLE,
    examples=("/pilothouse can my-app prod",),
)
async def can(ask: CanI, caller: Caller, permissions: Permissions) -> Reply:
    """What you may do with an app in an environment, by which role, and who can do the rest."""
    return permissions.abilities(caller, ask.app, ask.environment)
