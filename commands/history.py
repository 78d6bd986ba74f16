"""`/history my-app [prod]`: what changed, whoever changed it."""

from bot.command import command
from bot.deliveries.branch_observer import OBSERVER
from bot.deliveries.fold import deployments
from bot.domain.caller import Caller, Permission, Target
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, ShowHistory
from bot.domain.reply import History, Reply, Topic
from bot.grammar import IN, Slots, Words
from bot.policy import Policy, may, shows_all
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore

SHOWN = 15
FACTS = 600
"""of the delivery record, back to which it is read"""


def parse(words: Words) -> ShowHistory:
    place = words.place(Slots(), to=IN)
    if not place.app:
        words.refuse("Name an app.")
    return ShowHistory(context=words.context, app=place.app, environment=place.environment)


def read(filled: Filled, context: Context) -> ShowHistory:
    return ShowHistory(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm(
    "History",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.ENVIRONMENT, hint="Left empty: every environment."),
    ),
    read,
)


@command(
    "history",
    usage="/history APP [ENV]",
    allow=Permission.VIEW,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/history my-app prod",),
)
async def history(
    ask: ShowHistory, caller: Caller, policy: Policy, store: PromotionStore, record: DeliveryStore
) -> Reply:
    """The newest changes of an app: promotions, and what was changed without Pilothouse.

    Each with what moved where, who did it, who approved it and how it ended. Changes by hand and by the pipeline are
    known from when Pilothouse first looked at the overlay repository.
    """
    found = await store.history(ask.app, ask.environment, SHOWN)
    seen = [one for one in found if shows_all(policy, caller, one)]
    facts = await record.of(ask.app, ask.environment, most=FACTS)
    others = [
        one
        for one in reversed(deployments(facts))
        if not one.cause.ours and may(policy, caller, Permission.VIEW, Target(one.app, one.environment))
    ]
    since = await record.known_since(OBSERVER)
    if since and len(facts) == FACTS:
        since = max(since, facts[-1].at)  # what is older was not read
    return History(ask.app, ask.environment, tuple(seen), tuple(others[:SHOWN]), since)
