"""`/schedule`: what starts later."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import ShowSchedule
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.promotions.schedule import Schedule


def parse(words: Words) -> ShowSchedule:
    cancel = ""
    if words.keyword("cancel"):
        cancel = words.identifier("what should not start; its id is in the list of `/schedule`")
    words.done()
    return ShowSchedule(context=words.context, cancel=cancel)


@command(
    "schedule",
    usage=("/schedule", "/schedule cancel ID"),
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    topic=Topic.LATER,
    examples=("/schedule", "/schedule cancel p-7f3a"),
)
async def schedule(ask: ShowSchedule, caller: Caller, waiting: Schedule) -> Reply:
    """What waits for its time, for an opening, or for another promotion; `cancel` removes it."""
    return await (waiting.cancel(ask.cancel, caller, ask.context) if ask.cancel else waiting.show(caller))
