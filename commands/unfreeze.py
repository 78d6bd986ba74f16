"""`/unfreeze prod`: go on."""

from dataclasses import replace
from datetime import UTC

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, EndFreeze
from bot.domain.reply import Reply, Told, Topic
from bot.domain.safety import ClosedWindow
from bot.evaluation.wording import clock
from bot.grammar import IN, Slots, Words
from bot.queries.closed_windows import ClosedWindows
from bot.safety.freezes import FreezeService


def parse(words: Words) -> EndFreeze:
    place = words.place(Slots(), to=IN)
    if not place.environment:
        words.refuse("Name an environment.")
    return EndFreeze(context=words.context, app=place.app, environment=place.environment)


def read(filled: Filled, context: Context) -> EndFreeze:
    return EndFreeze(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm(
    "Unfreeze",
    (
        FormField(Input.APP, hint="Leave empty for every app there."),
        FormField(Input.ENVIRONMENT, needed=True),
    ),
    read,
)


@command(
    "unfreeze",
    usage="/unfreeze [APP] ENV",
    allow=Permission.FREEZE,
    parse=parse,
    form=FORM,
    topic=Topic.HOLD,
    examples=("/unfreeze prod",),
)
async def unfreeze(ask: EndFreeze, caller: Caller, freezes: FreezeService, windows: ClosedWindows) -> Reply:
    """End the freeze that somebody called. The windows of the policy stay as they are."""
    reply = await freezes.end(ask, caller)
    closed = await windows.of(ask.app, ask.environment)
    return (
        replace(reply, sentence=f"{reply.sentence} {_still(closed)}") if closed and isinstance(reply, Told) else reply
    )


def _still(closed: ClosedWindow) -> str:
    """Told is text: a time in it is in UTC."""
    until = f" until {clock(closed.opens, UTC)}" if closed.opens else ""
    return f"Policy keeps {closed.app or closed.environment} closed{until}: `/locks` shows why."
