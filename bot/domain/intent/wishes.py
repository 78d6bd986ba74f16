"""What starts a promotion."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.intent.base import Intent


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
    notify: bool = False
    """nothing starts: the asker gets a message when nothing holds it back"""
    older: str = ""
    """`Plan.glass_hash` of what the asker confirmed, though it is older than what runs. No typed word says so"""

    @property
    def waits_for_its_time(self) -> bool:
        return bool(self.at or self.start_at or self.when_open)

    @property
    @abstractmethod
    def named_apps(self) -> tuple[str, ...]:
        """() for a train of all of them."""

    def beside(self, apps: Collection[str]) -> tuple[str, ...]:
        """The apps that were named and are none of these: nothing of them changes."""
        return tuple(app for app in self.named_apps if app not in apps)

    @property
    def named_image(self) -> str:
        """A tag, a digest or a commit; "" where none is named."""
        return ""

    @property
    def breaks_glass(self) -> bool:
        return False

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

    @property
    def breaks_glass(self) -> bool:
        return self.break_glass

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
