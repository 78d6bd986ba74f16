"""`/unsubscribe my-app`: hear of it no longer."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import Intent, UnsubscribeNews
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.subscriptions import SubscriptionService


def parse(words: Words) -> Intent:
    everything = words.keyword("all")
    if not (words or everything):
        words.refuse("Say which subscription to end, or `all`.")
    found = words.news()
    return UnsubscribeNews(
        context=words.context, app=found.app, environment=found.environment, events=found.events, here=found.here
    )


@command(
    "unsubscribe",
    usage="/unsubscribe all|[APP] [ENV] [EVENT…] [here]",
    allow=Permission.VIEW,
    parse=parse,
    topic=Topic.LATER,
    examples=("/unsubscribe my-app", "/unsubscribe all"),
)
async def unsubscribe(ask: UnsubscribeNews, caller: Caller, subscriptions: SubscriptionService) -> Reply:
    """End what `/subscribe` began, for you, or with `here` for the channel."""
    return await subscriptions.unsubscribe(ask, caller)
