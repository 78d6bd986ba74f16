"""The boxes of a release train, and their keyboard twin: leave apps out, take them in again."""

from dataclasses import replace

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.errors import Conflict, UnknownName
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Adjust, Context
from bot.domain.promotion import Promotion
from bot.domain.reply import Reply, Silent, Topic, decided
from bot.grammar import Words
from bot.promotions.promotions import Promotions
from bot.runtime.spelling import did_you_mean


def parse(words: Words) -> Adjust:
    promotion = words.identifier("the release train; its id is at the foot of its card")
    said = words.rest().replace(",", " ").split()
    verb, apps = " ".join(said[:2]).lower(), tuple(said[2:])
    if not apps or verb not in ("leave out", "take in"):
        words.refuse("Say which apps to leave out or to take in.")
    if verb == "leave out":
        return Adjust(context=words.context, promotion=promotion, left_out=apps)
    return Adjust(context=words.context, promotion=promotion, taken_in=apps)


def read(filled: Filled, context: Context) -> Adjust:
    return Adjust(context=context, promotion=filled[Input.TRAIN], left_out=(filled[Input.APP],))


FORM = CommandForm(
    "Leave out",
    (
        FormField(Input.TRAIN, needed=True),
        FormField(Input.APP, needed=True, hint="Left out until you tick its box on the card again."),
    ),
    read,
)


@command(
    "adjust",
    usage="/adjust PROMOTION leave out|take in APP…",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    form=FORM,
    topic=Topic.DECIDE,
    examples=("/adjust p-7f3a leave out payments",),
)
async def adjust(ask: Adjust, caller: Caller, promotions: Promotions) -> Reply:
    """Leave apps out of a release train, or take them in again, until it is decided.

    Leaving out is for the requester of the train, for those who may approve or reject it, and for administrators;
    taking in again is for the requester alone. Earlier approvals no longer count, since they were for something else.
    """
    train = await promotions.find(ask.promotion, caller, whole=True)
    left_out = _left_out(train, ask)
    if left_out == train.left_out:
        return Silent()
    if left_out == train.plan.apps:
        raise Conflict("At least one app must go: abort the train instead.")
    await promotions.adjust(replace(ask, left_out=left_out, taken_in=()), caller)
    return decided(train, "changed the apps of", ask.context.channel)


def _left_out(train: Promotion, ask: Adjust) -> tuple[str, ...]:
    """All that stay from now on, in the train's order."""
    for app in (*ask.left_out, *ask.taken_in):
        if app not in train.plan.apps:
            raise UnknownName(f"`{app[:60]}` is not in this train.{did_you_mean(app, train.plan.apps)}")
    left = {*train.left_out, *ask.left_out} - {*ask.taken_in}
    return tuple(app for app in train.plan.apps if app in left)
