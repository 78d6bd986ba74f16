"""`/subscriptions`: what you hear of, and what is muted."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import ShowSubscriptions
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.subscriptions import SubscriptionService


def parse(words: Words) -> ShowSubscriptions:
    words.done()
    return ShowSubscriptions(context=words.context)


@command(
    "subscriptions",
    usage="/subscriptions",
    allow=Permission.VIEW,
    parse=parse,
    names=False,
    topic=Topic.LATER,
    examples=("/subscriptions",),
)
async def subscriptions(ask: ShowSubscriptions, caller: Caller, service: SubscriptionService) -> Reply:
    """What you, and this channel, are subscribed to, and what is muted until when."""
    return await service.shown(caller, ask.context)
