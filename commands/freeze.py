"""`/freeze prod until mon 08:00 INC-123`: stop the line."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import CallFreeze, Context
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.queries.pipeline_holds import PipelineHolds
from bot.safety.freezes import FreezeService
from bot.safety.times import TimeReader


def parse(words: Words) -> CallFreeze:
    hold = words.hold(exceptions=True)
    place = hold.place
    if not place.environment:
        words.refuse("Name an environment.")
    if not hold.until:
        words.refuse("Say until when.", "A freeze needs an end, for example `until mon 08:00` or `for 2h`.")
    return CallFreeze(
        context=words.context,
        app=place.app,
        environment=place.environment,
        until=hold.until,
        reason=hold.reason,
        exempt_apps=hold.exempt,
    )


def read(filled: Filled, context: Context) -> CallFreeze:
    return CallFreeze(
        context=context,
        app=filled[Input.APP],
        environment=filled[Input.ENVIRONMENT],
        until=filled[Input.UNTIL],
        reason=filled[Input.REASON],
    )


FORM = CommandForm(
    "Freeze",
    (
        FormField(Input.APP, hint="Leave empty for every app there."),
        FormField(Input.ENVIRONMENT, needed=True),
        FormField(Input.UNTIL, needed=True, hint="For example 2h, 18:00 or mon 08:00."),
        FormField(Input.REASON),
    ),
    read,
)


@command(
    "freeze",
    usage="/freeze [APP] ENV until TIME [--except APP,APP] [REASON]",
    allow=Permission.FREEZE,
    parse=parse,
    form=FORM,
    topic=Topic.HOLD,
    examples=("/freeze prod for 2h the sale begins",),
)
async def freeze(
    ask: CallFreeze, caller: Caller, times: TimeReader, freezes: FreezeService, holds: PipelineHolds
) -> Reply:
    """Freeze an environment: nothing is promoted there until the time that you give.

    Times are on your own clock: `until mon 08:00`, `for 2h`, `until tomorrow 9am`, `until 2026-10-05 08:00`. Apps and
    roles that policy exempts are not held, nor are apps after `--except`. Freezes that come again and again are in
    the policy, as windows of the gate `freeze`.
    """
    called = await freezes.call(ask, caller, times.end(ask.until, caller, ask.context))
    return holds.beside(called, "freeze", ask.app, ask.environment)
