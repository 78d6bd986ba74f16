"""The buttons beside a lock that somebody else holds."""

from bot.domain.intent import Context, Intent
from bot.domain.safety_intent import AwaitLock, BreakLock, StealLock
from bot.views.ids import Action, LockValue, unreadable


def read_lock_button(kind: Action, lock: LockValue, context: Context) -> Intent:
    """Raises InvalidCommand for a button that this version has never made."""
    app, environment = lock.app, lock.environment
    if not environment or (kind is not Action.LOCK_WAIT and not lock.since):
        raise unreadable()
    match kind:
        case Action.LOCK_STEAL:
            return StealLock(
                context=context, app=app, environment=environment, since=lock.since, until=lock.until,
                reason=lock.reason,
            )  # fmt: skip
        case Action.LOCK_BREAK:
            return BreakLock(context=context, app=app, environment=environment, since=lock.since)
        case Action.LOCK_WAIT:
            return AwaitLock(context=context, app=app, environment=environment)
    raise unreadable()
