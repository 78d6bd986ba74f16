"""The button "Release it anyway"."""

from bot.domain.caller import Caller, Permission
from bot.domain.reply import Reply
from bot.domain.safety_intent import BreakLock
from bot.registry import command
from bot.safety.locks import LockDesk


@command("lock break", allow=Permission.LOCK)
async def break_lock(ask: BreakLock, caller: Caller, locks: LockDesk) -> Reply:
    """Release somebody else's lock; they are told, and so is the channel."""
    return await locks.release(ask, caller)
