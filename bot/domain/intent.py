"""What a person asked, decoded. Slash text, buttons and modals decode to the same intents."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.pipeline import CancelMode


@dataclass(frozen=True)
class Context:
    """Where and under which request an intent came.

    `request_id` is derived from Slack's own id of the request (trigger, action or event), so that a repeated delivery
    is recognised. `correlation_id` goes through every log line up to the git commit. `again`: a process has begun with
    it and did not come to its end, so its effect may be there.
    """

    request_id: str
    channel: str
    correlation_id: str
    team: str = ""
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Intent:
    context: Context


@dataclass(frozen=True, kw_only=True)
class Help(Intent):
    """`/pilothouse help [verb]`, or `help` behind any command."""

    verb: str = ""


@dataclass(frozen=True, kw_only=True)
class Pick(Intent):
    """A bare command: open the picker, with what is known already filled in."""

    verb: str
    app: str = ""
    environment: str = ""


class IfBusy(StrEnum):
    """What to do when another promotion of the same app to the same environment is under way."""

    REFUSE = "refuse"
    QUEUE = "queue"
    """start when that one has ended"""
    REPLACE = "replace"
    """abort that one, as far as the asker may, and start then"""


@dataclass(frozen=True, kw_only=True)
class Wish(Intent, ABC):
    """What starts a promotion."""

    environment: str
    reason: str = ""
    if_busy: IfBusy = IfBusy.REFUSE
    at: str = ""
    """when it is to start, as it was typed; "" for now"""
    start_at: datetime | None = None
    """that time (UTC), once the asker's time zone is known"""
    when_open: bool = False
    """not before no lock, freeze, sync window or soak keeps it waiting"""
    older: str = ""
    """`Plan.glass_hash` of what the asker confirmed, though it is older than what runs. No typed word says so"""

    @property
    def waits_for_its_time(self) -> bool:
        return bool(self.at or self.start_at or self.when_open)

    @property
    @abstractmethod
    def named_apps(self) -> tuple[str, ...]:
        """() for a train of all of them."""

    @property
    def named_image(self) -> str:
        """A tag, a digest or a commit; "" where none is named."""
        return ""

    def saw(self, glass_hash: str) -> bool:  # noqa: ARG002 (whoever cannot break the glass was shown nothing)
        """Whether this is what was shown to the asker, who pressed."""
        return False


@dataclass(frozen=True, kw_only=True)
class BreakingWish(Wish):
    """One that may go past gates, once it was shown what that skips."""

    dry_run: bool = False
    break_glass: bool = False
    shown: str = ""
    """`Plan.glass_hash` of what was shown to the asker, who pressed; "" = not asked yet. No typed word says so"""

    def saw(self, glass_hash: str) -> bool:
        return self.shown == glass_hash


@dataclass(frozen=True, kw_only=True)
class Deploy(BreakingWish):
    """`image` is a tag or digest; "" means: what the environment before it runs now."""

    app: str
    image: str = ""

    @property
    def named_apps(self) -> tuple[str, ...]:
        return (self.app,)

    @property
    def named_image(self) -> str:
        return self.image


@dataclass(frozen=True, kw_only=True)
class Promote(BreakingWish):
    """`apps` empty = every app (a release train); `source` "" = the environment before."""

    apps: tuple[str, ...]
    source: str = ""

    @property
    def named_apps(self) -> tuple[str, ...]:
        return self.apps


@dataclass(frozen=True, kw_only=True)
class Rollback(BreakingWish):
    """`to` is a tag, a digest or a commit; "" = the newest image before this one."""

    app: str
    to: str = ""
    choose: bool = False
    """show what can be rolled back to, instead of starting"""

    @property
    def named_apps(self) -> tuple[str, ...]:
        return (self.app,)

    @property
    def named_image(self) -> str:
        return self.to


@dataclass(frozen=True, kw_only=True)
class Status(Intent):
    """`page` counts from 1, of all apps; `unwell`: only apps of which something is not as it should be."""

    app: str = ""
    environment: str = ""
    page: int = 1
    unwell: bool = False


class SyncAction(StrEnum):
    """What Argo CD is to do with one Application."""

    SYNC = "sync"
    """bring out what it follows"""
    REFRESH = "refresh"
    """compare with git now"""
    TERMINATE = "terminate"
    """stop the sync that runs"""


@dataclass(frozen=True, kw_only=True)
class SyncApplication(Intent):
    """`shown`: the hash of what the asker was shown and then pressed; "" = not asked yet. No typed word says so."""

    app: str
    environment: str
    action: SyncAction = SyncAction.SYNC
    shown: str = ""


@dataclass(frozen=True, kw_only=True)
class ShowScan(Intent):
    """`image` is a tag or digest; "" = what `environment` runs ("" = the first environment)."""

    app: str
    environment: str = ""
    image: str = ""
    rescan: bool = False


@dataclass(frozen=True, kw_only=True)
class RunPipeline(Intent):
    app: str
    revision: str = ""
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ListRuns(Intent):
    app: str = ""


@dataclass(frozen=True, kw_only=True)
class ShowRun(Intent):
    run: str


@dataclass(frozen=True, kw_only=True)
class RunLogs(Intent):
    run: str


@dataclass(frozen=True, kw_only=True)
class CancelRun(Intent):
    run: str
    mode: CancelMode = CancelMode.NOW


@dataclass(frozen=True, kw_only=True)
class RetryRun(Intent):
    run: str


@dataclass(frozen=True, kw_only=True)
class Approve(Intent):
    """`content_hash` is what the card showed: a yes to something else is refused."""

    promotion: str
    content_hash: str


@dataclass(frozen=True, kw_only=True)
class AskReason(Intent):
    """Reject was pressed: ask for the reason."""

    promotion: str
    content_hash: str


@dataclass(frozen=True, kw_only=True)
class Reject(Intent):
    promotion: str
    content_hash: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Adjust(Intent):
    """Apps of a release train that are not to go, and apps that are to go again; the others stay as they are."""

    promotion: str
    left_out: tuple[str, ...] = ()
    taken_in: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Abort(Intent):
    promotion: str


@dataclass(frozen=True, kw_only=True)
class ShowSchedule(Intent):
    """What waits for its time or its turn; `cancel`: the id of one that is not to start."""

    cancel: str = ""


@dataclass(frozen=True, kw_only=True)
class Mute(Intent):
    """No direct messages that ask the asker for approvals; `off`: again."""

    off: bool = False


@dataclass(frozen=True, kw_only=True)
class OfNews(Intent, ABC):
    """News of an app ("" for all) in an environment ("" for all), of some events (() for all).

    `here`: for the channel where it is said, instead of for the asker.
    """

    app: str = ""
    environment: str = ""
    events: tuple[str, ...] = ()
    here: bool = False


@dataclass(frozen=True, kw_only=True)
class SubscribeNews(OfNews):
    """Tell the asker, or the channel, of such news from now on."""


@dataclass(frozen=True, kw_only=True)
class UnsubscribeNews(OfNews):
    """Tell them no longer."""


@dataclass(frozen=True, kw_only=True)
class MuteNews(OfNews):
    """Tell them nothing of it until `until` (as it was typed); `off`: again."""

    until: str = ""
    off: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowSubscriptions(Intent):
    """What the asker, and the channel where they ask, are subscribed to, and what is muted."""


@dataclass(frozen=True, kw_only=True)
class ShowPromotion(Intent):
    promotion: str


@dataclass(frozen=True, kw_only=True)
class Subscribe(Intent):
    """Tell the asker when the gates of a promotion hold."""

    promotion: str


@dataclass(frozen=True, kw_only=True)
class TakeLock(Intent):
    """`app` "" = every app there; `until` "" = until it is released."""

    app: str
    environment: str
    until: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class StealLock(TakeLock):
    """Take it from whoever has held it since `since` (ISO 8601)."""

    since: str


@dataclass(frozen=True, kw_only=True)
class ReleaseLock(Intent):
    app: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class BreakLock(ReleaseLock):
    """Release somebody else's lock, which they have held since `since` (ISO 8601)."""

    since: str


@dataclass(frozen=True, kw_only=True)
class AwaitLock(Intent):
    """Tell the asker when it is free."""

    app: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class ShowHolds(Intent):
    """What is locked and frozen now."""


@dataclass(frozen=True, kw_only=True)
class CallFreeze(Intent):
    """`app` "" = every app but the exempt ones."""

    app: str
    environment: str
    until: str
    reason: str = ""
    exempt_apps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EndFreeze(Intent):
    app: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class RejectImage(Intent):
    """`image` is a tag or a digest."""

    app: str
    image: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClearImage(Intent):
    app: str
    image: str


@dataclass(frozen=True, kw_only=True)
class ShowHistory(Intent):
    app: str
    environment: str = ""


@dataclass(frozen=True, kw_only=True)
class ShowDora(Intent):
    """`apps` () for all; `since` is a duration ("90d")."""

    apps: tuple[str, ...] = ()
    environment: str = ""
    since: str = "90d"


@dataclass(frozen=True, kw_only=True)
class CloseReview(Intent):
    promotion: str
    note: str


@dataclass(frozen=True, kw_only=True)
class NameDelegate(Intent):
    """`to` is a Slack user id or an e-mail address; "" = nobody from now on."""

    to: str = ""
    until: str = ""


@dataclass(frozen=True, kw_only=True)
class WhoAmI(Intent):
    """Which roles and permissions the asker has, and why."""


@dataclass(frozen=True, kw_only=True)
class CanI(Intent):
    """What the asker may do there, and who could what they may not."""

    app: str
    environment: str
