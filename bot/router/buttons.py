"""From a pressed button to what the person asks. The value only says which thing is meant (S17)."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.intent import (
    Abort,
    Approve,
    AskReason,
    CancelRun,
    Context,
    Deploy,
    Intent,
    RetryRun,
    Rollback,
    RunLogs,
    ShowRun,
)
from bot.views.ids import Action, ImageValue, PromotionValue, RunValue, action_of, decode, unreadable

RUNS: Mapping[Action, Callable[[Context, str], Intent]] = {
    Action.RUN_SHOW: lambda context, run: ShowRun(context=context, run=run),
    Action.RUN_LOGS: lambda context, run: RunLogs(context=context, run=run),
    Action.RUN_CANCEL: lambda context, run: CancelRun(context=context, run=run),
    Action.RUN_RETRY: lambda context, run: RetryRun(context=context, run=run),
}


def is_button(action: Mapping[str, Any]) -> bool:
    """Whether it is one that this bot puts on messages; links and selects send actions too (S17)."""
    return action.get("type") == "button" and bool(action.get("value"))


def read_button(action: Mapping[str, Any], context: Context) -> Intent:
    """Raises InvalidCommand for a button that this version has never made."""
    kind = action_of(action["action_id"])
    match decode(action["action_id"], action["value"]):
        case PromotionValue(promotion, content_hash):
            return _promotion(kind, promotion, content_hash, context)
        case ImageValue(app, environment, to) if kind is Action.RETRY:
            return Deploy(context=context, app=app, environment=environment, image=to)
        case ImageValue(app, environment, to):
            return Rollback(context=context, app=app, environment=environment, to=to)
        case RunValue(run):
            return RUNS[kind](context, run)
    raise unreadable()


def _promotion(kind: Action, promotion: str, content_hash: str, context: Context) -> Intent:
    if kind is Action.ABORT:
        return Abort(context=context, promotion=promotion)
    if not content_hash:
        raise unreadable()
    if kind is Action.REJECT:
        return AskReason(context=context, promotion=promotion, content_hash=content_hash)
    return Approve(context=context, promotion=promotion, content_hash=content_hash)
