"""`/pilothouse can my-app prod`: what you may do there."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import CanI, Context, Intent
from bot.domain.reply import Reply, Topic
from bot.grammar import IN, Slots, Words
from bot.queries.permissions import Permissions


def parse(words: Words) -> Intent:
    place = words.place(Slots(), to=IN)
    if not (place.app and place.environment):
        return words.pick(place)
    return CanI(context=words.context, app=place.app, environment=place.environment)


def read(filled: Filled, context: Context) -> CanI:
    return CanI(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm("Can I?", (FormField(Input.APP, needed=True), FormField(Input.ENVIRONMENT, needed=True)), read)


@command(
    "can",
    usage="/pilothouse can APP ENV",
    allow=Permission.VIEW,
    parse=parse,
    form=FORM,
    topic=Topic.PEOPLE,
    examples=("/pilothouse can my-app prod",),
)
async def can(ask: CanI, caller: Caller, permissions: Permissions) -> Reply:
    """What you may do with an app in an environment, by which role, and who can do the rest."""
    return permissions.abilities(caller, ask.app, ask.environment)
