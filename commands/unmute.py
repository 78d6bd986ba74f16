"""`/pilothouse unmute my-app`: hear again what `/pilothouse mute` silenced."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import Unmute
from bot.domain.reply import Reply, Topic
from bot.grammar import Words
from bot.safety.subscriptions import SubscriptionService
from bot.store.mutes import MuteStore


def parse(words: Words) -> Unmute:
    words.keyword("all")
    return words.unmute()


@command(
    "unmute",
    usage="/pilothouse unmute all|[APP] [ENV] [EVENT…] [here]",
    allow=Permission.VIEW,
    parse=parse,
    topic=Topic.LATER,
    examples=("/pilothouse unmute", "/pilothouse unmute my-app"),
)
async def unmute(ask: Unmute, caller: Caller, mutes: MuteStore, subscriptions: SubscriptionService) -> Reply:
    """End what `/pilothouse mute` began, for you, or with `here` for the channel; alone, all of it for you."""
    asked = ask.everything and await mutes.unmute(caller.person)
    return await subscriptions.unmute(ask, caller, asked=asked)
