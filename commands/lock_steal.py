"""The button "Steal the lock?"."""

from bot.command import command
from bot.domain.caller import Caller, Permission
from bot.domain.intent import StealLock
from bot.domain.reply import Reply
from bot.queries.pipeline_holds import PipelineHolds
from bot.safety.locks import LockService
from bot.safety.times import TimeReader


@command("lock steal", allow=Permission.LOCK)
async def steal(ask: StealLock, caller: Caller, times: TimeReader, locks: LockService, holds: PipelineHolds) -> Reply:
    """Take a lock over from its owner, who gets a message, as does the channel."""
    taken = await locks.take(ask, caller, times.end_if_any(ask.until, caller, ask.context))
    return holds.beside(taken, "lock", ask.app, ask.environment)
