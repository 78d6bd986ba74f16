"""`/delegate @mia until fri`: somebody stands in for you while you are away."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, NameDelegate
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.delegations import DelegationService
from bot.safety.times import TimeReader


def parse(words: Words) -> NameDelegate:
    if words.keyword("off"):
        words.done()
        return NameDelegate(context=words.context)
    to = words.person("the person who stands in for you")
    until = words.time()
    words.done()
    if not until:
        words.refuse("Say until when.", "For example `until fri` or `for 2 weeks`.")
    return NameDelegate(context=words.context, to=to, until=until)


def read(filled: Filled, context: Context) -> NameDelegate:
    return NameDelegate(context=context, to=filled[Input.PERSON], until=filled[Input.UNTIL])


FORM = CommandForm(
    "Delegate",
    (
        FormField(Input.PERSON, needed=True, hint="They stand in for you while you are away."),
        FormField(Input.UNTIL, needed=True, hint="For example fri, 2 weeks or 2026-10-05 08:00."),
    ),
    read,
)


@command(
    "delegate",
    usage=("/delegate @PERSON until TIME", "/delegate off"),
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.PEOPLE,
    examples=("/delegate @mia until fri", "/delegate off"),
)
async def delegate(ask: NameDelegate, caller: Caller, times: TimeReader, delegations: DelegationService) -> Reply:
    """Let somebody approve on your behalf while you are away; `off` ends it.

    When they approve, your roles count beside their own. They still cannot approve their own
    requests, or yours. One delegate at a time; naming another replaces the first.
    """
    if not ask.to:
        return await delegations.end(ask, caller)
    return await delegations.name(ask, caller, times.end(ask.until, caller, ask.context))
