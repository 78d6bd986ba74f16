"""`/pilothouse mute my-app prod for 2h`, and the button below news."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import MuteNews
from bot.domain.reply import Reply
from bot.safety.subscriptions import SubscriptionService


@command("mute news", allow=Permission.VIEW)
async def mute_news(ask: MuteNews, caller: Caller, subscriptions: SubscriptionService) -> Reply:
    """Hear nothing of it for a while."""
    return await subscriptions.mute(ask, caller)
