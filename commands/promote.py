"""`/promote my-app from staging to production`, and release trains."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import EMERGENCY, LATER, CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, IfBusy, Intent, Promote
from bot.domain.reply import DryRun, GlassAsked, Reply, Topic
from bot.grammar import IN, Place, Slots, Words, read_start
from bot.notify.audience import approvers
from bot.policy import Policy
from bot.promotions.promotions import Promotions
from bot.promotions.scheduler import Scheduler
from bot.safety.times import TimeReader

MOST_APPS = 50


def parse(words: Words) -> Intent:
    reason, break_glass = words.why()
    dry_run = words.flag("dry-run")
    if_busy = words.if_busy()
    at, when_open = words.start_time()
    if break_glass and (at or when_open):
        words.refuse("Broken glass does not wait.", "Leave the time out, or the `!`.")
    source = words.environment_after("from")
    everything = words.keyword("all")
    place = words.place(Slots(0 if everything else MOST_APPS, 1 if source else 2), to=IN)
    *before, environment = place.environments or ("",)
    # `/promote staging to prod` names a set already: what runs in staging.
    everything = everything or bool(environment and (source or before) and not place.apps)
    if not environment or not (place.apps or everything):
        given = (
            at or when_open or reason or dry_run or break_glass or source or everything or if_busy is not IfBusy.REFUSE
        )
        return words.pick(Place(place.apps, (environment,)), also_given=bool(given))
    return Promote(
        context=words.context,
        apps=place.apps,
        environment=environment,
        source=source or "".join(before),
        reason=reason,
        dry_run=dry_run,
        break_glass=break_glass,
        if_busy=if_busy,
        at=at,
        when_open=when_open,
    )


def read(filled: Filled, context: Context) -> Promote:
    start = read_start(filled[Input.START])
    return Promote(
        context=context,
        apps=(filled[Input.APP],),
        environment=filled[Input.ENVIRONMENT],
        source=filled[Input.SOURCE],
        reason=filled[Input.REASON],
        at=start.at,
        when_open=start.when_open,
    )


FORM = CommandForm(
    "Promote",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.ENVIRONMENT, needed=True),
        FormField(Input.SOURCE, hint="Leave empty for the environment before it."),
        FormField(Input.START, hint=LATER),
        FormField(Input.REASON, hint=EMERGENCY.format("/promote APP to ENV ! WHY")),
    ),
    read,
)


@command(
    "promote",
    usage="/promote [APP…|all] [from ENV] to ENV [--dry-run] [--reason WHY] [! WHY] [--queue|--replace] "
    "[--at TIME|--when-open]",
    allow=Permission.PROMOTE,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/promote my-app payments to prod", "/promote staging to prod"),
)
async def promote(
    ask: Promote, caller: Caller, promotions: Promotions, turns: Scheduler, times: TimeReader, policy: Policy
) -> Reply:
    """Move what runs in one environment to another.

    Several apps, or `all` of them, travel as one release train: one card, one approval, one commit. So does all that
    runs in an environment: `/promote staging to prod`. Without `from`: the environment before the target. Apps can be
    left out on the card, until it is decided; for one whose image is missing the train waits until it is. `--queue`,
    `--replace`, and a time at the end (`at 22:00`, `when open`) do as with `/deploy`.
    """
    if ask.dry_run:
        shown = await promotions.preview(ask, caller)
        return DryRun(shown, ask, approvers(policy, shown))
    if ask.break_glass and not ask.shown:
        return GlassAsked(await promotions.preview(ask, caller), ask)
    return await turns.start(times.timed(ask, caller), caller)
