"""The button "Steal the lock?"."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import StealLock
from bot.domain.reply import Reply
from bot.policy import Policy
from bot.safety.locks import LockService
from bot.safety.times import read_time_if_any


@command("lock steal", allow=Permission.LOCK)
async def steal(ask: StealLock, caller: Caller, policy: Policy, locks: LockService) -> Reply:
    """Take a lock over from whoever holds it; they are told, and so is the channel."""
    return await locks.take(ask, caller, read_time_if_any(ask.until, caller, policy))
