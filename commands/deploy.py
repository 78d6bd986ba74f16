"""`/deploy my-app prod`: the bot's main job."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import EMERGENCY, LATER, CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, Deploy, IfBusy, Intent, Pick
from bot.domain.reply import DryRun, GlassAsked, Reply, Topic
from bot.domain.shortcut import Shortcut
from bot.grammar import IN, Slots, Words, read_start
from bot.notify.audience import approvers
from bot.policy import Policy
from bot.promotions.promotions import Promotions
from bot.promotions.scheduler import Scheduler
from bot.safety.times import TimeReader


def parse(words: Words) -> Intent:
    reason, break_glass = words.why()
    dry_run = words.flag("dry-run")
    if_busy = words.if_busy()
    at, when_open = words.start_time()
    if break_glass and (at or when_open):
        words.refuse("Broken glass does not wait.", "Leave the time out, or the `!`.")
    place = words.place(Slots(), image=True, to=IN)
    if not (place.app and place.environment):
        return words.pick(
            place, also_given=bool(reason or dry_run or break_glass or at or when_open or if_busy is not IfBusy.REFUSE)
        )
    return Deploy(
        context=words.context,
        app=place.app,
        environment=place.environment,
        image=place.image,
        reason=reason,
        dry_run=dry_run,
        break_glass=break_glass,
        if_busy=if_busy,
        at=at,
        when_open=when_open,
    )


def read(filled: Filled, context: Context) -> Deploy:
    start = read_start(filled[Input.START])
    return Deploy(
        context=context,
        app=filled[Input.APP],
        environment=filled[Input.ENVIRONMENT],
        image=filled[Input.IMAGE],
        reason=filled[Input.REASON],
        at=start.at,
        when_open=start.when_open,
    )


FORM = CommandForm(
    "Deploy",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.ENVIRONMENT, needed=True),
        FormField(Input.IMAGE, hint="Leave empty for what the environment before it has in git."),
        FormField(Input.START, hint=LATER),
        FormField(Input.REASON, hint=EMERGENCY.format("/deploy APP ENV ! WHY")),
    ),
    read,
)

SHORTCUT = Shortcut(
    "Deploy…",
    "Put an image into an environment",
    lambda app, environment, context: Pick(context=context, verb="deploy", app=app, environment=environment),
)


@command(
    "deploy",
    usage="/deploy APP[@TAG|@DIGEST] [to|on] ENV [--dry-run] [--reason WHY] [! WHY] [--queue|--replace] "
    "[--at TIME|--when-open]",
    allow=Permission.PROMOTE,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/deploy my-app prod", "/deploy my-app@v1.4.2 staging", "/deploy my-app prod at 22:00"),
    shortcut=SHORTCUT,
)
async def deploy(
    ask: Deploy, caller: Caller, promotions: Promotions, turns: Scheduler, times: TimeReader, policy: Policy
) -> Reply:
    """Put an image into an environment.

    Without an image: what the environment before it runs now. `--dry-run` shows the verdict of every gate and changes
    nothing. `!` (or `--break-glass`) skips the gates that the policy lets you skip; it needs a reason, and stays on
    record. While another promotion of the app is under way there, `--queue` waits for its end and `--replace` takes its
    place, if you may abort it. `at 22:00` or `tomorrow 9:00` at the end starts it then, `when open` when no lock,
    freeze, sync window or soak holds it: every gate is asked again then, and `/schedule` shows what waits. `--at`
    takes any other time, `--when-open` is the same as `when open`. An image that is older
    than what production has is shown to you first, with a button that confirms it. Words may come in any order; `app:`
    and `env:` in front of a name say which of the two you mean.
    """
    if ask.dry_run:
        shown = await promotions.preview(ask, caller)
        return DryRun(shown, ask, approvers(policy, shown))
    if ask.break_glass and not ask.shown:
        return GlassAsked(await promotions.preview(ask, caller), ask)
    return await turns.start(times.timed(ask, caller), caller)
