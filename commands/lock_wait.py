"""The button "Tell me when it is free"."""

from bot.domain.caller import Caller, Permission
from bot.domain.reply import Reply
from bot.domain.safety_intent import AwaitLock
from bot.registry import command
from bot.safety.locks import LockDesk


@command("lock wait", allow=Permission.LOCK)
async def wait(ask: AwaitLock, caller: Caller, locks: LockDesk) -> Reply:
    """Be told by direct message when a lock is released or expires."""
    return await locks.wait(ask, caller)
