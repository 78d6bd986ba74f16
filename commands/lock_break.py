"""The button "Release it anyway"."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import BreakLock
from bot.domain.reply import Reply
from bot.safety.locks import LockService


@command("lock break", allow=Permission.LOCK)
async def break_lock(ask: BreakLock, caller: Caller, locks: LockService) -> Reply:
    """Release somebody else's lock; its owner gets a message, as does the channel."""
    return await locks.release(ask, caller)
