"""`/subscribe my-app prod degraded here`: hear of more than policy says."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, SubscribeNews
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.subscriptions import SubscriptionService


def parse(words: Words) -> SubscribeNews:
    found = words.news()
    return SubscribeNews(
        context=words.context, app=found.app, environment=found.environment, events=found.events, here=found.here
    )


def read(filled: Filled, context: Context) -> SubscribeNews:
    return SubscribeNews(context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT])


FORM = CommandForm(
    "Subscribe",
    (
        FormField(Input.APP, hint="Leave empty for every app that you may view."),
        FormField(Input.ENVIRONMENT, hint="Leave empty for every environment."),
    ),
    read,
)


@command(
    "subscribe",
    usage="/subscribe [APP] [ENV] [EVENT…] [here]",
    allow=Permission.VIEW,
    parse=parse,
    form=FORM,
    topic=Topic.LATER,
    examples=("/subscribe my-app prod",),
)
async def subscribe(ask: SubscribeNews, caller: Caller, subscriptions: SubscriptionService) -> Reply:
    """Get a direct message when an app is deployed, fails, is degraded or drifts, by Pilothouse or without it.

    Events: `deployed`, `deploy-failed`, `degraded`, `drifted`, `sync-unknown` for what Pilothouse did not do, and
    `started`, `done`, `failed`, `aborted` for its promotions; without one, all of them. `here` subscribes the channel
    instead of you, for which you need the permission `subscribe`. You hear only of what you may view.
    """
    return await subscriptions.subscribe(ask, caller)
