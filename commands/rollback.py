"""`/rollback my-app prod to 1.4.1`: back to an image that ran there before."""

import asyncio

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, IfBusy, Intent, Pick, Rollback
from bot.domain.overlay import OverlayImage
from bot.domain.reply import GlassAsked, Reply, RollbackChoices, Topic
from bot.domain.shortcut import Shortcut
from bot.grammar import Slots, Words
from bot.overlays.catalog import Catalog
from bot.policy import Policy
from bot.promotions.promotions import Promotions
from bot.promotions.scheduler import Scheduler
from bot.promotions.tags import Tags
from bot.queries.status import StatusQuery

PREVIOUS = "previous"


def parse(words: Words) -> Intent:
    reason, break_glass = words.why()
    if_busy = words.if_busy()
    to = words.image_after("to").removeprefix("@") or (PREVIOUS if words.keyword(PREVIOUS) else "")
    place = words.place(Slots(), image=not to, to=("in", "on", "from", "to"))
    to = to or place.image
    if not (place.app and place.environment):
        return words.pick(place, also_given=bool(reason or to or break_glass) or if_busy is not IfBusy.REFUSE)
    return Rollback(
        context=words.context,
        app=place.app,
        environment=place.environment,
        to="" if to == PREVIOUS else to,
        reason=reason,
        choose=not (to or break_glass),
        if_busy=if_busy,
        break_glass=break_glass,
    )


def read(filled: Filled, context: Context) -> Rollback:
    return Rollback(
        context=context,
        app=filled[Input.APP],
        environment=filled[Input.ENVIRONMENT],
        to=filled[Input.TO],
        reason=filled[Input.REASON],
    )


FORM = CommandForm(
    "Roll back",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.ENVIRONMENT, needed=True),
        FormField(Input.TO, hint="Leave empty for the image before this one."),
        FormField(Input.REASON),
    ),
    read,
)


def ways_back(app: str, environment: str, context: Context) -> Intent:
    """What there is to go back to, where the message tells of which app and where; it starts nothing."""
    if app and environment:
        return Rollback(context=context, app=app, environment=environment, choose=True)
    return Pick(context=context, verb="rollback", app=app, environment=environment)


@command(
    "rollback",
    usage="/rollback APP ENV [to TAG|DIGEST|COMMIT|previous] [--reason WHY] [! WHY] [--queue|--replace]",
    allow=Permission.ROLLBACK,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/rollback my-app prod", "/rollback my-app prod to previous"),
    shortcut=Shortcut("Roll back…", "Go back to an image that ran there before", ways_back),
)
async def rollback(
    ask: Rollback,
    caller: Caller,
    promotions: Promotions,
    turns: Scheduler,
    catalog: Catalog,
    tags: Tags,
    status: StatusQuery,
    policy: Policy,
) -> Reply:
    """Go back to an image that the environment ran before.

    It is a new commit that restores the image, and goes the same way as any promotion. Without `to`: shows what there
    is to go back to, newest first. `!` (or `--break-glass`) goes back at once, to the newest image that was Healthy
    there unless you name one: it needs the permission to break the glass, and a reason, and is reviewed afterwards.
    """
    if ask.break_glass and not ask.shown:
        return GlassAsked(await promotions.preview(ask, caller), ask)
    if not ask.choose:
        return await turns.start(ask, caller)
    running = await catalog.images(ask.app, ask.environment)
    choices, runs = await asyncio.gather(
        promotions.rollback_choices(ask), status.runs_instead(ask.app, ask.environment)
    )
    careful = ask.environment in policy.careful
    now = next(iter((await tags.named(running)).values()), OverlayImage("", ""))
    return RollbackChoices(ask.app, ask.environment, now, choices, careful=careful, runs=runs)
