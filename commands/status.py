"""`/status [my-app] [prod]`: what runs where, and why it is not as git says."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, Intent, Pick, Status
from bot.domain.reply import Reply, StatusOverview, Topic
from bot.domain.shortcut import Shortcut
from bot.grammar import IN, Slots, Words
from bot.queries.explanation import Explanation
from bot.queries.overview import OverviewQuery


def parse(words: Words) -> Status:
    unwell, page = words.flag("unwell"), words.after("--page") or "1"
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0
    if not number:
        words.refuse(f"`{page[:20]}` is not a page.", "Pages are numbered from 1.")
    place = words.place(Slots(), to=IN)
    if place.app and (unwell or page != "1"):
        words.refuse("`--unwell` and `--page` are for the overview of all apps: leave the app out.")
    return Status(context=words.context, app=place.app, environment=place.environment, page=number, unwell=unwell)


def read(filled: Filled, context: Context) -> Status:
    return Status(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


def of_message(app: str, environment: str, context: Context) -> Intent:
    if app:
        return Status(context=context, app=app, environment=environment)
    return Pick(context=context, verb="status", environment=environment)


FORM = CommandForm(
    "Status",
    (
        FormField(Input.APP, hint="Leave it empty for all apps, unhealthy ones first."),
        FormField(Input.ENVIRONMENT, hint="Leave empty for all environments."),
    ),
    read,
    bare=False,
)


@command(
    "status",
    usage="/status [APP] [ENV] [--unwell] [--page N]",
    allow=Permission.VIEW,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/status", "/status my-app prod"),
    shortcut=Shortcut("Status", "What runs where, and why it is not as git says", of_message),
)
async def status(ask: Status, caller: Caller, overview: OverviewQuery, explanation: Explanation) -> Reply:
    """What git says, what runs, what Argo CD reports, what holds changes back, and which promotions are under way.

    For all apps: unhealthy ones first, page by page; `--unwell` shows only those. With APP and ENV: which resource and
    which field differ from git, since when and by whom, and buttons to sync, as `/sync` does.

    Slack has a `/status` of its own, for the status beside your name. If that one answers instead, use
    `/pilothouse status`.
    """
    if not ask.app:
        return await overview.page(ask, caller)
    rows = await overview.rows(ask, caller)
    return await explanation.explain(rows[0], caller) if ask.environment and rows else StatusOverview(rows)
