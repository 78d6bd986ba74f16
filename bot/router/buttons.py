"""From a pressed button to what the person asks. The value only says which thing is meant (S17)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.intent import (
    Abort,
    Adjust,
    Approve,
    AskReason,
    AwaitLock,
    BreakLock,
    CancelRun,
    Context,
    Deploy,
    IfBusy,
    Intent,
    MuteNews,
    Promote,
    RetryRun,
    Rollback,
    RunLogs,
    RunPipeline,
    ShowApps,
    ShowHistory,
    ShowPromotion,
    ShowRun,
    ShowScan,
    ShowSchedule,
    Status,
    StealLock,
    Subscribe,
    SubscribeNews,
    SyncApplication,
    Wish,
)
from bot.views import sync
from bot.views.ids import (
    OPEN,
    Action,
    ImageValue,
    LockValue,
    NewsValue,
    PageValue,
    PromotionValue,
    RunValue,
    SyncValue,
    WishValue,
    action_of,
    decode,
    promotion_of,
    unreadable,
)
from bot.views.subscriptions import MUTE_FOR

Body = Mapping[str, Any]

RUNS: Mapping[Action, Callable[[Context, str], Intent]] = {
    Action.RUN_SHOW: lambda context, run: ShowRun(context=context, run=run),
    Action.RUN_LOGS: lambda context, run: RunLogs(context=context, run=run),
    Action.RUN_CANCEL: lambda context, run: CancelRun(context=context, run=run),
    Action.RUN_RETRY: lambda context, run: RetryRun(context=context, run=run),
}

SYNCS = {button: action for action, button in sync.ACTIONS.items()}
_IF_BUSY = {
    Action.QUEUE: IfBusy.QUEUE,
    Action.REPLACE: IfBusy.REPLACE,
}
"""of the buttons that say it themselves; of the others the wish does"""


def is_button(action: Mapping[str, Any]) -> bool:
    """Whether it is one that this bot puts on messages; links and selects send actions too (S17)."""
    return action.get("type") == "checkboxes" or (action.get("type") == "button" and bool(action.get("value")))


def read_press(body: Body, context: Context) -> Intent:
    """A button that was pressed, or a box that was ticked. Raises InvalidCommand as `read_button` does."""
    action = body["actions"][0]
    return read_ticks(body, context) if action["type"] == "checkboxes" else read_button(action, context)


def read_ticks(body: Body, context: Context) -> Adjust:
    """The boxes that were ticked or unticked. Of those that stay as the message shows them nothing is said: somebody
    may have decided otherwise since it was drawn.
    """
    action = body["actions"][0]
    promotion = promotion_of(action.get("block_id") or "")
    ticked = [option["value"] for option in action.get("selected_options") or ()]
    offered = list(_boxes(body.get("message") or {}, action, "options"))
    shown = list(_boxes(body.get("message") or {}, action, "initial_options"))
    if action_of(action["action_id"]) is not Action.ADJUST or not {*ticked, *shown} <= set(offered):
        raise unreadable()
    left_out = tuple(app for app in shown if app not in ticked)
    return Adjust(
        context=context,
        promotion=promotion,
        left_out=left_out,
        taken_in=tuple(app for app in ticked if app not in shown),
    )


def _boxes(message: Mapping[str, Any], action: Mapping[str, Any], which: str) -> Iterator[str]:
    for block in message.get("blocks") or ():
        if block.get("block_id") == action["block_id"]:
            for element in block.get("elements") or ():
                yield from (option["value"] for option in element.get(which) or ())


def read_button(action: Mapping[str, Any], context: Context) -> Intent:
    """Raises InvalidCommand for a button that this version has never made."""
    kind = action_of(action["action_id"])
    match decode(action["action_id"], action["value"]):
        case PromotionValue(promotion, content_hash):
            return _promotion(kind, promotion, content_hash, context)
        case ImageValue(app, environment, to) if kind is Action.RETRY:
            return Deploy(context=context, app=app, environment=environment, image=to)
        case ImageValue(app, environment, to) if kind is Action.WHEN_OPEN:
            return Deploy(context=context, app=app, environment=environment, image=to, when_open=True)
        case ImageValue(app, environment, to) if kind is Action.RESCAN:
            return ShowScan(context=context, app=app, environment=environment, image=to, rescan=True)
        case ImageValue(app, environment) if kind is Action.WAYS_BACK:
            return Rollback(context=context, app=app, environment=environment, choose=True)
        case ImageValue(app, environment, page) if kind is Action.HISTORY:
            number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 1
            return ShowHistory(context=context, app=app, environment=environment, page=max(1, number))
        case ImageValue(app) if kind is Action.REBUILD:
            return RunPipeline(context=context, app=app)
        case ImageValue(app, environment, to):
            return Rollback(context=context, app=app, environment=environment, to=to)
        case WishValue() as value if kind is Action.WISH_APPS:
            return ShowApps(context=context, wish=_wish(value, context, IfBusy.REFUSE))
        case WishValue() as value if kind is Action.NOTIFY:
            ask = _wish(replace(value, break_glass=""), context, IfBusy.REFUSE)
            return replace(ask, when_open=True, notify=True)
        case WishValue() as value if value.older or kind is not Action.OLDER:
            return _planned(value, kind, context)
        case RunValue(run):
            return RUNS[kind](context, run)
        case LockValue() as lock:
            return read_lock_button(kind, lock, context)
        case SyncValue(app, environment, shown) if app and environment:
            return SyncApplication(context=context, app=app, environment=environment, action=SYNCS[kind], shown=shown)
        case PageValue(environment, page, unwell) if page.isascii() and page.isdigit() and len(page) < 7:
            return Status(context=context, environment=environment, page=int(page), unwell=bool(unwell))
        case NewsValue(app, environment, event) if app and environment and event:
            return _news(kind, app, environment, event, context)
    raise unreadable()


def _news(kind: Action, app: str, environment: str, event: str, context: Context) -> Intent:
    """For the person who presses, wherever the message is."""
    if kind is Action.MUTE_NEWS:
        return MuteNews(context=context, app=app, environment=environment, events=(event,), until=MUTE_FOR)
    return SubscribeNews(context=context, app=app, environment=environment, events=(event,))


def _promotion(kind: Action, promotion: str, content_hash: str, context: Context) -> Intent:
    if kind is Action.ABORT:
        return Abort(context=context, promotion=promotion)
    if kind is Action.APPS:
        return ShowApps(context=context, promotion=promotion)
    if kind is Action.UNSCHEDULE:
        return ShowSchedule(context=context, cancel=promotion)
    if kind is Action.SHOW:
        return ShowPromotion(context=context, promotion=promotion)
    if kind is Action.SUBSCRIBE:
        return Subscribe(context=context, promotion=promotion)
    if not content_hash:
        raise unreadable()
    if kind is Action.REJECT:
        return AskReason(context=context, promotion=promotion, content_hash=content_hash)
    return Approve(context=context, promotion=promotion, content_hash=content_hash)


def _wish(value: WishValue, context: Context, if_busy: IfBusy) -> Wish:
    """The wish that was refused, asked again by whoever presses. It is authorised as if it had been typed."""
    app, environment, why, shown = value.apps, value.environment, value.reason, value.break_glass
    if value.verb == "deploy":
        return Deploy(
            context=context,
            app=app,
            environment=environment,
            image=value.image,
            reason=why,
            break_glass=bool(shown),
            shown=shown,
            if_busy=if_busy,
        )
    if value.verb == "promote":
        return Promote(
            context=context,
            apps=tuple(filter(None, app.split("/"))),
            environment=environment,
            source=value.source,
            reason=why,
            break_glass=bool(shown),
            shown=shown,
            if_busy=if_busy,
        )
    if value.verb != "rollback":
        raise unreadable()
    return Rollback(
        context=context,
        app=app,
        environment=environment,
        to=value.image,
        reason=why,
        if_busy=if_busy,
        break_glass=bool(shown),
        shown=shown,
    )


def _planned(value: WishValue, kind: Action, context: Context) -> Wish:
    """The same wish, with its time and what was confirmed. Raises InvalidCommand for one that no button has carried."""
    later = value.start not in ("", OPEN)
    try:
        start, if_busy = datetime.fromisoformat(value.start) if later else None, IfBusy(value.if_busy)
    except ValueError as error:
        raise unreadable() from error
    if start and start.tzinfo is None:
        raise unreadable()
    wish = _wish(value, context, _IF_BUSY.get(kind, if_busy))
    return replace(wish, older=value.older, start_at=start, when_open=value.start == OPEN)


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
