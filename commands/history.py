"""`/history my-app [prod]`: what changed, whoever changed it, and how the app was."""

from datetime import datetime

from bot.command import command
from bot.deliveries.branch_observer import OBSERVER
from bot.deliveries.fold import deployments
from bot.deliveries.troubles import troubles
from bot.domain.caller import Caller, Permission, Target
from bot.domain.delivery import Deployment
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, ShowHistory
from bot.domain.promotion import Promotion
from bot.domain.reply import ChangeHistory, Reply, Topic
from bot.domain.trouble import Trouble
from bot.grammar import IN, Slots, Words
from bot.policy import Policy, may, shows_all
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore

SHOWN = 10
"""on a page: so many fit in a message, however much there is to say of each"""
FACTS = 600
"""of the delivery record, for each page: back to which it is read"""
LAST = 999
"""page"""
Entry = Promotion | Deployment | Trouble


def parse(words: Words) -> ShowHistory:
    page = words.after("--page") or "1"
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 0
    if not 0 < number <= LAST:
        words.refuse(f"`{page[:20]}` is not a page.", f"Pages are numbered from 1 to {LAST}.")
    place = words.place(Slots(), to=IN)
    if not place.app:
        words.refuse("Name an app.")
    return ShowHistory(context=words.context, app=place.app, environment=place.environment, page=number)


def read(filled: Filled, context: Context) -> ShowHistory:
    return ShowHistory(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm(
    "History",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.ENVIRONMENT, hint="Leave empty for every environment."),
    ),
    read,
)


@command(
    "history",
    usage="/history APP [ENV] [--page N]",
    allow=Permission.VIEW,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/history my-app prod",),
)
async def history(
    ask: ShowHistory, caller: Caller, policy: Policy, store: PromotionStore, record: DeliveryStore
) -> Reply:
    """The newest changes of an app: promotions, what was changed without Pilothouse, and how the app was.

    Each with what moved where, who did it, who approved it and how it ended. When the app was Degraded, when something
    changed in the cluster without a commit, and when Argo CD could not compare it with git are rows of their own.
    Changes by hand and by the pipeline are known from when Pilothouse first looked at the overlay repository.
    """
    most = FACTS * ask.page
    facts = await record.of(ask.app, ask.environment, most=most)
    entries: list[tuple[datetime, Entry]] = [
        (one.plan.requested_at, one) for one in await _promotions(ask, caller, policy, store)
    ]
    deployed = deployments(facts)
    others = tuple(one for one in deployed if not one.cause.ours)
    without: tuple[Deployment | Trouble, ...] = (*others, *troubles(facts))
    entries += [
        (one.at, one) for one in without if may(policy, caller, Permission.VIEW, Target(one.app, one.environment))
    ]
    newest = [one for _, one in sorted(entries, key=lambda entry: entry[0], reverse=True)]
    shown = newest[(ask.page - 1) * SHOWN : ask.page * SHOWN]
    since = await record.known_since(OBSERVER)
    if since and len(facts) == most:
        since = max(since, facts[-1].at)  # what is older was not read
    return ChangeHistory(
        ask.app,
        ask.environment,
        tuple(one for one in shown if isinstance(one, Promotion)),
        tuple(one for one in shown if isinstance(one, Deployment)),
        since,
        tuple(one for one in shown if isinstance(one, Trouble)),
        page=ask.page,
        more=ask.page < LAST and len(newest) > ask.page * SHOWN,
        commits={one.promotion: one.commits for one in deployed if one.promotion and one.commits},
    )


async def _promotions(ask: ShowHistory, caller: Caller, policy: Policy, store: PromotionStore) -> list[Promotion]:
    """As many as the page may show of those that the caller may view, and one more where there are more."""
    wanted = ask.page * SHOWN + 1
    most = wanted
    while True:
        found = await store.history(ask.app, ask.environment, most)
        seen = [one for one in found if shows_all(policy, caller, one)]
        if len(seen) >= wanted or len(found) < most:
            return seen
        most *= 4
