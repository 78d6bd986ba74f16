"""The button Reject: it asks why."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import AskReason
from bot.domain.reply import ReasonForm, Reply
from bot.promotions.promotions import Promotions


@command("ask reason", allow=Permission.VIEW, modal="Reject")
async def ask_reason(ask: AskReason, caller: Caller, promotions: Promotions) -> Reply:
    """Ask for the reason of a rejection; refuses at once who could not reject, or what is decided already."""
    return ReasonForm(await promotions.consider(ask, caller))
