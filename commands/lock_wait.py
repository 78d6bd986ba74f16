"""The button "Notify me when it is free"."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import AwaitLock
from bot.domain.reply import Reply
from bot.safety.locks import LockService


@command("lock wait", allow=Permission.LOCK)
async def wait(ask: AwaitLock, caller: Caller, locks: LockService) -> Reply:
    """Get a direct message when a lock is released or expires."""
    return await locks.wait(ask, caller)
