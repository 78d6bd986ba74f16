"""`/unlock my-app prod`: let promotions through again."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, ReleaseLock
from bot.domain.reply import Reply, Topic
from bot.grammar import IN, Slots, Words
from bot.safety.locks import LockService


def parse(words: Words) -> ReleaseLock:
    place = words.place(Slots(), to=IN)
    if not place.environment:
        words.refuse("Name an environment.")
    return ReleaseLock(context=words.context, app=place.app, environment=place.environment)


def read(filled: Filled, context: Context) -> ReleaseLock:
    return ReleaseLock(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm(
    "Unlock",
    (
        FormField(Input.APP, hint="Leave empty for every app there."),
        FormField(Input.ENVIRONMENT, needed=True),
    ),
    read,
)


@command(
    "unlock",
    usage="/unlock [APP] ENV",
    allow=Permission.LOCK,
    parse=parse,
    form=FORM,
    topic=Topic.HOLD,
    examples=("/unlock my-app prod",),
)
async def unlock(ask: ReleaseLock, caller: Caller, locks: LockService) -> Reply:
    """Release a lock: yours, or one that a rollback left behind. For somebody else's you confirm once more.

    People who wait for it get a message.
    """
    return await locks.release(ask, caller)
