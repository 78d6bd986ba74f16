"""`/lock my-app prod for 2h a migration`: hold promotions back."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, TakeLock
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.queries.pipeline_holds import PipelineHolds
from bot.safety.locks import LockService
from bot.safety.times import TimeReader


def parse(words: Words) -> TakeLock:
    hold = words.hold()
    place = hold.place
    if not place.environment:
        words.refuse("Name an environment.")
    if not hold.reason:
        words.refuse("A lock needs a reason: the people it holds back read it.")
    return TakeLock(
        context=words.context, app=place.app, environment=place.environment, until=hold.until, reason=hold.reason
    )


def read(filled: Filled, context: Context) -> TakeLock:
    return TakeLock(
        context=context,
        app=filled[Input.APP],
        environment=filled[Input.ENVIRONMENT],
        until=filled[Input.UNTIL],
        reason=filled[Input.REASON],
    )


FORM = CommandForm(
    "Lock",
    (
        FormField(Input.APP, hint="Leave empty for every app there."),
        FormField(Input.ENVIRONMENT, needed=True),
        FormField(Input.UNTIL, hint="For example 2h, 18:00 or mon 08:00. Leave empty to hold it until you unlock it."),
        FormField(Input.REASON, needed=True, hint="Everyone whose promotion it holds back reads this."),
    ),
    read,
)


@command(
    "lock",
    usage="/lock [APP] ENV [--for TIME|--until TIME] REASON",
    allow=Permission.LOCK,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/lock my-app prod for 2h database migration",),
)
async def lock(ask: TakeLock, caller: Caller, times: TimeReader, locks: LockService, holds: PipelineHolds) -> Reply:
    """Hold an app in an environment, or without APP the whole environment: nothing is promoted there until it ends.

    It ends when you `/unlock` it, or at the time that you give: `--for 2h`, `--until 18:00`, `until mon 08:00`. You are
    reminded before it ends, and daily if it has no end. When somebody else holds it, you can take it over, or get a
    message when it is free. Locking again what you hold renews it.
    """
    taken = await locks.take(ask, caller, times.end_if_any(ask.until, caller, ask.context))
    return holds.beside(taken, "lock", ask.app, ask.environment)
