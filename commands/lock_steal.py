"""The button "Steal the lock?"."""

from bot.domain.caller import Caller, Permission
from bot.domain.reply import Reply
from bot.domain.safety_intent import StealLock
from bot.policy import Policy
from bot.registry import command
from bot.safety.locks import LockDesk
from bot.safety.times import read_time_if_any


@command("lock steal", allow=Permission.LOCK)
async def steal(ask: StealLock, caller: Caller, policy: Policy, locks: LockDesk) -> Reply:
    """Take a lock over from whoever holds it; they are told, and so is the channel."""
    return await locks.take(ask, caller, read_time_if_any(ask.until, caller, policy))
