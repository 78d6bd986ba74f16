"""What buttons and modals are called on the wire, and what a button carries back.

A button's value holds identifiers only and comes back from messages of any age (S17): whoever decodes it looks the
present state up, and authorises again.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from bot.domain.errors import InvalidCommand
from bot.domain.intent import IfBusy

TICKS = "ticks"
OPEN = "open"
"""`WishValue.start` of a wish that waits until nothing holds it"""
VALUE_LIMIT = 2000
"""characters of a button's value (S19)"""


class Action(StrEnum):
    """`action_id`s. Where a message has several buttons of one kind, the later ones end in `#1`, `#2`, … (S19)."""

    APPROVE = "promotion.approve"
    REJECT = "promotion.reject"
    ABORT = "promotion.abort"
    ROLLBACK = "promotion.rollback"
    AGAIN = "promotion.again"
    """asks for the same again: now, or when it opens"""
    RETRY = "promotion.retry"
    """on cards of earlier versions, as WHEN_OPEN"""
    SUBSCRIBE = "promotion.subscribe"
    SHOW = "promotion.show"
    APPS = "promotion.apps"
    """opens the list of all apps of a release train"""
    WISH_APPS = "promotion.wish-apps"
    """the same, of one that has not started"""
    ADJUST = "promotion.adjust"
    """boxes, not a button: their block says which promotion, their options which apps"""
    NOTIFY = "promotion.notify"
    """asks for a message when nothing holds it back"""
    QUEUE = "promotion.queue"
    REPLACE = "promotion.replace"
    BREAK_GLASS = "promotion.break-glass"
    OLDER = "promotion.older"
    """asks for the same again, now that the asker knows that the image is older"""
    PICK_ROLLBACK = "rollback.pick"
    WHEN_OPEN = "promotion.when-open"
    UNSCHEDULE = "schedule.cancel"
    """what waits does not start"""
    WAYS_BACK = "rollback.choose"
    """shows what there is to go back to; starts nothing"""
    HISTORY = "app.history"
    RESCAN = "image.rescan"
    REBUILD = "image.rebuild"
    RUN_LOGS = "run.logs"
    RUN_CANCEL = "run.cancel"
    RUN_RETRY = "run.retry"
    RUN_SHOW = "run.show"
    LOCK_STEAL = "lock.steal"
    LOCK_BREAK = "lock.break"
    LOCK_WAIT = "lock.wait"
    SYNC = "application.sync"
    REFRESH = "application.refresh"
    TERMINATE = "application.terminate"
    STATUS_PAGE = "status.page"
    SUBSCRIBE_NEWS = "news.subscribe"
    MUTE_NEWS = "news.mute"

    def numbered(self, index: int) -> str:
        return f"{self}#{index}" if index else str(self)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches every `action_id` of this kind, for routing."""
        return re.compile(rf"^{re.escape(self)}(#\d+)?$")


def action_of(action_id: str) -> Action:
    """The kind of a button. Raises InvalidCommand for one that this version does not know."""
    try:
        return Action(action_id.partition("#")[0])
    except ValueError as error:
        raise unreadable() from error


@dataclass(frozen=True)
class PromotionValue:
    """Names a promotion, and what its card showed."""

    promotion: str
    content_hash: str


@dataclass(frozen=True)
class ImageValue:
    """An image (tag, digest, commit; "" for the newest that was Healthy there) for an app in an environment.

    Of a history, `to` is the number of the page.
    """

    app: str
    environment: str
    to: str = ""


@dataclass(frozen=True)
class WishValue:
    """A whole wish, to be asked again: `apps` are joined by "/", which no app's name holds.

    `image` is what to roll back to, too; `break_glass`, where the glass is broken, is the hash of what was
    shown, or "!"; `older` is the hash of what was shown as older; `start`: when it is to start (ISO 8601, or OPEN), ""
    for now; `if_busy`: as IfBusy has it, for the buttons that do not say so themselves.
    """

    verb: str
    apps: str
    environment: str
    image: str = ""
    source: str = ""
    reason: str = ""
    break_glass: str = ""
    older: str = ""
    start: str = ""
    if_busy: str = IfBusy.REFUSE


@dataclass(frozen=True)
class RunValue:
    """Names a pipeline run."""

    run: str


@dataclass(frozen=True)
class LockValue:
    """Names a lock by its place and since when (ISO 8601) it is held; with what was asked for instead, as typed."""

    app: str
    environment: str
    since: str = ""
    until: str = ""
    reason: str = ""


@dataclass(frozen=True)
class SyncValue:
    """Names an app in an environment; `shown` is the hash of what stands beside the button, "" for nothing yet."""

    app: str
    environment: str
    shown: str = ""


@dataclass(frozen=True)
class PageValue:
    """A page of the overview: its number, "1" for `unwell` where only those are shown."""

    environment: str
    page: str
    unwell: str = ""


@dataclass(frozen=True)
class NewsValue:
    """Names news: of an app in an environment, of one event."""

    app: str
    environment: str
    event: str


Value = PromotionValue | ImageValue | WishValue | RunValue | LockValue | SyncValue | PageValue | NewsValue

_KEYS: Mapping[type[Value], tuple[str, ...]] = {
    PromotionValue: ("p", "h"),
    ImageValue: ("app", "env", "to"),
    WishValue: ("verb", "apps", "env", "to", "from", "why", "!", "older", "at", "busy"),
    RunValue: ("run",),
    LockValue: ("app", "env", "since", "until", "why"),
    SyncValue: ("app", "env", "h"),
    PageValue: ("env", "page", "unwell"),
    NewsValue: ("app", "env", "event"),
}
_ADDED = frozenset({"older", "at", "busy"})
"""keys that a button lacks where an earlier version has made it"""
_CARRIES: Mapping[Action, type[Value]] = {
    Action.APPROVE: PromotionValue,
    Action.REJECT: PromotionValue,
    Action.ABORT: PromotionValue,
    Action.ROLLBACK: ImageValue,
    Action.AGAIN: WishValue,
    Action.RETRY: ImageValue,
    Action.SUBSCRIBE: PromotionValue,
    Action.SHOW: PromotionValue,
    Action.APPS: PromotionValue,
    Action.WISH_APPS: WishValue,
    Action.NOTIFY: WishValue,
    Action.QUEUE: WishValue,
    Action.REPLACE: WishValue,
    Action.BREAK_GLASS: WishValue,
    Action.OLDER: WishValue,
    Action.PICK_ROLLBACK: ImageValue,
    Action.WHEN_OPEN: ImageValue,
    Action.UNSCHEDULE: PromotionValue,
    Action.WAYS_BACK: ImageValue,
    Action.HISTORY: ImageValue,
    Action.RESCAN: ImageValue,
    Action.REBUILD: ImageValue,
    Action.RUN_LOGS: RunValue,
    Action.RUN_CANCEL: RunValue,
    Action.RUN_RETRY: RunValue,
    Action.RUN_SHOW: RunValue,
    Action.LOCK_STEAL: LockValue,
    Action.LOCK_BREAK: LockValue,
    Action.LOCK_WAIT: LockValue,
    Action.SYNC: SyncValue,
    Action.REFRESH: SyncValue,
    Action.TERMINATE: SyncValue,
    Action.STATUS_PAGE: PageValue,
    Action.SUBSCRIBE_NEWS: NewsValue,
    Action.MUTE_NEWS: NewsValue,
}


def encode(value: Value) -> str:
    """Compact JSON. Raises ValueError when it is longer than a button may carry (S19)."""
    text = json.dumps(dict(zip(_KEYS[type(value)], vars(value).values(), strict=True)), separators=(",", ":"))
    if len(text) > VALUE_LIMIT:
        raise ValueError(f"a button carries at most {VALUE_LIMIT} characters, not {len(text)}")
    return text


def decode(action_id: str, text: str) -> Value:
    """What a pressed button names. Raises InvalidCommand for anything that `encode` cannot have written."""
    kind = _CARRIES.get(action_of(action_id))
    if kind is None or len(text) > VALUE_LIMIT:
        raise unreadable()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable() from error
    keys = _KEYS[kind]
    if not isinstance(found, dict) or not set(keys) - _ADDED <= set(found) <= set(keys):
        raise unreadable()
    if not all(isinstance(part, str) for part in found.values()):
        raise unreadable()
    return kind(**{field.name: found[key] for key, field in zip(keys, fields(kind), strict=True) if key in found})


def ticks_id(promotion: str, content_hash: str, group: int) -> str:
    """The `block_id` of a group of boxes."""
    return f"{TICKS}/{promotion}/{content_hash[:12]}/{group}"


def promotion_of(block_id: str) -> str:
    """The promotion whose boxes stand in a block. Raises InvalidCommand for another block."""
    match block_id.split("/"):
        case [str(kind), promotion, _hash, _group] if kind == TICKS and promotion:
            return promotion
    raise unreadable()


def unreadable() -> InvalidCommand:
    return InvalidCommand("This button is of another version of Pilothouse: type the command again for fresh ones.")


class Modal(StrEnum):
    """Prefix or whole of a modal's `callback_id`."""

    PICK = "pick"
    REJECT = "reject"


def picker_id(verb: str) -> str:
    return f"{Modal.PICK}.{verb}"


def verb_of(callback_id: str) -> str:
    """The verb of a picker's `callback_id`, "" for another modal."""
    prefix, dot, verb = callback_id.partition(".")
    return verb if dot and prefix == Modal.PICK else ""


class Menu(StrEnum):
    """Where a shortcut stands: in Slack's own menu, or in the menu of each message. Prefix of its `callback_id`."""

    GLOBAL = "global"
    MESSAGE = "message"


def shortcut_id(menu: Menu, verb: str) -> str:
    return f"{menu}.{verb}"


def shortcut_of(callback_id: str) -> str:
    """The verb of a shortcut. Raises InvalidCommand for one that this version has never put into a menu."""
    menu, _, verb = callback_id.partition(".")
    if menu not in tuple(Menu) or not verb:
        raise unreadable()
    return verb
