"""What runs where, and what Argo CD is asked to do about it."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.application import Application, LastKnown, Operation, ResourceHealth, Unheard
from bot.domain.drift import Drift
from bot.domain.intent import SyncAction
from bot.domain.overlay import Commit, OverlayImage
from bot.domain.promotion import Promotion
from bot.domain.queueing import Waiting
from bot.domain.reply.base import Reply
from bot.domain.safety import ClosedWindow, Freeze, Lock


@dataclass(frozen=True)
class StatusRow:
    """One app in one environment. `application` is None when Argo CD could not be asked (`problem` says why).

    `images` are what git pins; `runs` says what is so of the Application instead, "" when it speaks of the same images.
    `waiting`: what starts there later. `unheard`: the Argo CD that had to be asked, where its record is not current.
    """

    app: str
    environment: str
    images: tuple[OverlayImage, ...]
    application: Application | None
    problem: str = ""
    last: Commit | None = None
    promotion: Promotion | None = None
    runs: str = ""
    lock: Lock | None = None
    freeze: Freeze | None = None
    closed: ClosedWindow | None = None
    waiting: tuple[Waiting, ...] = ()
    unheard: Unheard | None = None
    last_known: LastKnown | None = None
    """where Argo CD does not answer: how it was before"""
    drifting_since: datetime | None = None
    """by the delivery record: since when the cluster differs from git, though nothing was committed"""


@dataclass(frozen=True)
class StatusPage:
    """Which part of an overview is shown: `number` of `count` pages, of `apps` apps, of which `unwell` are unwell.

    `only`: those alone are shown. `environment` "" stands for every one.
    """

    number: int = 1
    count: int = 1
    apps: int = 0
    unwell: int = 0
    only: bool = False
    environment: str = ""


@dataclass(frozen=True)
class StatusOverview(Reply):
    """One app by environment, or a page of all apps, the unwell first."""

    rows: tuple[StatusRow, ...]
    page: StatusPage | None = None


@dataclass(frozen=True)
class StatusDetail(Reply):
    """One app in one environment, explained.

    `drift`: None where Argo CD was not asked, or did not answer (`unasked` says why). `sick`: None where it did not
    answer. `held`: sentences on what else than the row's lock and freeze holds changes back there. `may`: what the
    asker may have Argo CD do.
    """

    row: StatusRow
    drift: tuple[Drift, ...] | None = None
    unasked: str = ""
    sick: tuple[ResourceHealth, ...] | None = ()
    held: tuple[str, ...] = ()
    may: tuple[SyncAction, ...] = ()


@dataclass(frozen=True)
class SyncAsked(Reply):
    """Nothing has happened: this is what it would do, and `concerns` what speaks against it.

    A press counts for `shown`.
    """

    app: str
    environment: str
    action: SyncAction
    images: tuple[OverlayImage, ...]
    concerns: tuple[str, ...]
    changes: tuple[Drift, ...] | None
    """None where Argo CD does not tell"""
    shown: str
    operation: Operation | None = None
