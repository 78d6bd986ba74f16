"""`/unsubscribe my-app`: hear of it no longer."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, UnsubscribeNews
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.subscriptions import SubscriptionService


def parse(words: Words) -> UnsubscribeNews:
    words.keyword("all")
    found = words.news()
    return UnsubscribeNews(
        context=words.context, app=found.app, environment=found.environment, events=found.events, here=found.here
    )


def read(filled: Filled, context: Context) -> UnsubscribeNews:
    return UnsubscribeNews(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm(
    "Unsubscribe",
    (
        FormField(Input.APP, hint="Leave empty for every app."),
        FormField(Input.ENVIRONMENT, hint="Leave empty for every environment."),
    ),
    read,
)


@command(
    "unsubscribe",
    usage="/unsubscribe all|[APP] [ENV] [EVENT…] [here]",
    allow=Permission.VIEW,
    parse=parse,
    form=FORM,
    topic=Topic.LATER,
    examples=("/unsubscribe my-app", "/unsubscribe all"),
)
async def unsubscribe(ask: UnsubscribeNews, caller: Caller, subscriptions: SubscriptionService) -> Reply:
    """End what `/subscribe` began, for you, or with `here` for the channel."""
    return await subscriptions.unsubscribe(ask, caller)
