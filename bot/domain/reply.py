"""What a command answers, as values; `bot.views` says how they look."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.application import Application, Operation, ResourceHealth
from bot.domain.caller import Caller, Permission
from bot.domain.delivery import Deployment, Figures
from bot.domain.drift import Drift
from bot.domain.form import CommandForm
from bot.domain.image import Artifact, Image
from bot.domain.intent import BreakingWish, SyncAction, Wish
from bot.domain.overlay import Commit, OverlayImage
from bot.domain.pipeline import PipelineRun, StepLog
from bot.domain.promotion import Promotion
from bot.domain.queueing import Waiting
from bot.domain.safety import Delegation, Freeze, Lock, Rejection, Review
from bot.domain.scan import Scan, Severity, Vulnerability
from bot.domain.subscription import NewsMute, Subscription


@dataclass(frozen=True)
class Reply:
    """Seen by the asker only, unless `public`."""

    @property
    def about(self) -> Promotion | None:
        """The one promotion that it is about and that has a card elsewhere: the answer links to that."""
        return None


@dataclass(frozen=True)
class Told(Reply):
    """One sentence or two. mrkdwn is not interpreted: what is in it is escaped."""

    sentence: str


@dataclass(frozen=True)
class Silent(Reply):
    """Nothing to say: the card says it."""


@dataclass(frozen=True)
class Started(Reply):
    """The card is on its way to `channel`; `existing` when the same request had started it before."""

    promotion: Promotion
    channel: str
    existing: bool = False
    here: bool = False
    """whether that is where it was asked for: the card follows right below"""

    @property
    def about(self) -> Promotion | None:
        return None if self.here else self.promotion


@dataclass(frozen=True)
class Occupied(Reply):
    """It was not started, because `promotion` is under way there; `sentence` says whose it is.

    `promotion` is None where the asker may not view all of it.
    """

    sentence: str
    promotion: Promotion | None
    wish: Wish

    @property
    def about(self) -> Promotion | None:
        return self.promotion


@dataclass(frozen=True)
class GlassAsked(Reply):
    """Nothing was started: `promotion` is what would be, and names what a broken glass skips; `wish` is asked again."""

    promotion: Promotion
    wish: BreakingWish


@dataclass(frozen=True)
class OlderAsked(Reply):
    """Nothing was started: `promotion` would go back to an older image; `wish` is asked again by the press."""

    promotion: Promotion
    wish: Wish


@dataclass(frozen=True)
class Queued(Reply):
    """The wish starts when `behind` has ended; `replacing`: which is being aborted for it.

    `behind` is None where the asker may not view all of it.
    """

    behind: Promotion | None
    replacing: bool = False

    @property
    def about(self) -> Promotion | None:
        return self.behind


@dataclass(frozen=True)
class Postponed(Reply):
    """It starts later: `promotion` is what would start now, and what its gates say."""

    promotion: Promotion
    wish: Wish


@dataclass(frozen=True)
class Scheduled(Reply):
    """What waits for its time or its turn."""

    waiting: tuple[Waiting, ...]


@dataclass(frozen=True)
class Shown(Reply):
    """A promotion as it stands, to look at."""

    promotion: Promotion

    @property
    def about(self) -> Promotion | None:
        return self.promotion


@dataclass(frozen=True)
class ApprovalRequests(Reply):
    """The promotions that wait for the asker's yes. A press for one in `careful` asks once more."""

    promotions: tuple[Promotion, ...]
    careful: frozenset[str]

    @property
    def about(self) -> Promotion | None:
        return self.promotions[0] if len(self.promotions) == 1 else None


@dataclass(frozen=True)
class DryRun(Reply):
    """The verdict card, without buttons and without effect."""

    promotion: Promotion
    approvers: str = ""
    """who would be asked, as text with live mentions"""


@dataclass(frozen=True)
class StatusRow:
    """One app in one environment. `application` is None when Argo CD could not be asked (`problem` says why).

    `images` are what git pins; `runs` says what is so of the Application instead, "" when it speaks of the same images.
    `waiting`: what starts there later.
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
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True)
class StatusPage:
    """Which part of a board is shown: `number` of `count` pages, of `apps` apps in all, of which `unwell` are unwell.

    `only`: those alone are shown. `environment` "" stands for every one.
    """

    number: int = 1
    count: int = 1
    apps: int = 0
    unwell: int = 0
    only: bool = False
    environment: str = ""


@dataclass(frozen=True)
class StatusBoard(Reply):
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
    drifting_since: datetime | None = None
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


@dataclass(frozen=True)
class ScanReport(Reply):
    """`fixed` and `added` compare with `against`: what the image would replace first, in `against_in`.

    `vulnerabilities` is None where no scan has ever finished: nothing is compared then.
    """

    app: str
    artifact: Artifact
    scan: Scan
    vulnerabilities: tuple[Vulnerability, ...] | None
    threshold: Severity | None = None
    against: Image | None = None
    against_in: str = ""
    fixed: tuple[Vulnerability, ...] = ()
    added: tuple[Vulnerability, ...] = ()


@dataclass(frozen=True)
class ScanReports(Reply):
    """One for each image of an app that has several; `missing` is a sentence for each that has none."""

    app: str
    reports: tuple[ScanReport, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunList(Reply):
    app: str
    runs: tuple[PipelineRun, ...]


@dataclass(frozen=True)
class RunDetail(Reply):
    """`failure` is one sentence on why it failed, with the failed step's last lines in `log`."""

    run: PipelineRun
    failure: str = ""
    log: StepLog | None = None
    note: str = ""
    """a sentence above it: "Started", "Cancelled" """
    held: str = ""
    """why the pipeline does not write the overlay, or writes it in spite of a lock"""
    followed: bool = False
    """a message in the conversation shows all of this, and follows the run to its end"""


@dataclass(frozen=True)
class RunLog(Reply):
    """`most`: how many lines of each step were asked for; 0 when nobody said."""

    run: PipelineRun
    logs: tuple[StepLog, ...]
    most: int = 0


@dataclass(frozen=True)
class RollbackChoice:
    """An image that the environment ran before, and when and through which commit it came."""

    image: OverlayImage
    since: datetime
    commit: Commit
    verified: bool = False
    """whether a promotion saw it Healthy there"""
    synced: bool = False
    """whether Argo CD has it in its history; False where it cannot tell"""


@dataclass(frozen=True)
class RollbackChoices(Reply):
    """`running` is what git pins; `runs` says what is so instead, "" when Argo CD runs that."""

    app: str
    environment: str
    running: OverlayImage
    choices: tuple[RollbackChoice, ...]
    careful: bool = False
    """the environment is the last one: a press asks once more"""
    runs: str = ""


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class Picker(Reply):
    """A modal that asks for what a bare command left out. Never preselects one in `careful`, nor the last."""

    verb: str
    form: CommandForm
    apps: tuple[Choice, ...]
    environments: tuple[Choice, ...]
    app: str = ""
    environment: str = ""
    careful: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReasonForm(Reply):
    """A modal that asks why a promotion is rejected."""

    promotion: Promotion


class Topic(StrEnum):
    """What people come to the help for, in the order in which it is shown; the value is its title."""

    DAILY = "Used most"
    DECIDE = "Decide on a promotion"
    LATER = "Later, and who hears of it"
    HOLD = "Hold changes back"
    BUILD = "Pipelines"
    OPERATE = "Run and measure"
    PEOPLE = "You and your rights"
    OTHER = "More"


@dataclass(frozen=True)
class HelpEntry:
    verb: str
    usage: tuple[str, ...]
    summary: str
    details: str = ""
    topic: Topic = Topic.OTHER
    examples: tuple[str, ...] = ()
    """of what is typed, the plainest one first"""


@dataclass(frozen=True)
class HelpPage(Reply):
    """`overview`: of everything there is, by topic; else of what was asked about."""

    entries: tuple[HelpEntry, ...]
    overview: bool = False


@dataclass(frozen=True)
class LockTaken(Reply):
    """`stolen_from` is the lock that it replaces, if somebody else held it."""

    lock: Lock
    stolen_from: Lock | None = None
    builds: str = ""
    """what it means for pipelines, where they write by themselves"""


@dataclass(frozen=True)
class LockHeld(Reply):
    """Somebody else holds it. `reason` and `until` (as it was typed) are of the lock that was asked for;
    with `release` it was to be released.
    """

    lock: Lock
    reason: str = ""
    until: str = ""
    release: bool = False


@dataclass(frozen=True)
class Holds(Reply):
    """What holds promotions back now, by people's words."""

    locks: tuple[Lock, ...]
    freezes: tuple[Freeze, ...]
    rejections: tuple[Rejection, ...]
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True)
class FreezeCalled(Reply):
    freeze: Freeze
    builds: str = ""
    """what it means for pipelines, where they write by themselves"""


@dataclass(frozen=True)
class ImageRejected(Reply):
    """`runs_in`: the environments whose overlays pin it now."""

    rejections: tuple[Rejection, ...]
    runs_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class History(Reply):
    """Newest first."""

    app: str
    environment: str
    promotions: tuple[Promotion, ...]
    others: tuple[Deployment, ...] = ()
    """what changed without Pilothouse"""
    known_since: datetime | None = None
    """from when on such changes are on record; None where nobody has looked yet"""


@dataclass(frozen=True)
class DoraReport(Reply):
    """`known_since`: from when on changes without Pilothouse are on record; None where nobody has looked yet."""

    environment: str
    since: datetime
    known_since: datetime | None
    parts: tuple[Figures, ...]
    total: Figures


@dataclass(frozen=True)
class Subscribed(Reply):
    """What the asker and the channel hear of beside what policy says, and what not for a while.

    `sentence` says what has just been changed; "" for nothing. `channel` "" where there is none.
    """

    sentence: str
    mine: tuple[Subscription, ...]
    muted: tuple[NewsMute, ...]
    channel: str = ""
    its: tuple[Subscription, ...] = ()
    its_muted: tuple[NewsMute, ...] = ()


@dataclass(frozen=True)
class Delegated(Reply):
    delegation: Delegation


@dataclass(frozen=True)
class Grant:
    """A binding of policy that holds for somebody."""

    role: str
    apps: tuple[str, ...]
    environments: tuple[str, ...]
    permissions: tuple[Permission, ...]


@dataclass(frozen=True)
class Identity(Reply):
    """Who the asker is to Pilothouse; `delegations`: who lends them their voice."""

    caller: Caller
    grants: tuple[Grant, ...]
    delegations: tuple[Delegation, ...] = ()
    helpers: str = ""
    """who can give them a role, with live mentions; "" where nobody is bound to that"""


@dataclass(frozen=True)
class Ability:
    """`roles` give the permission, or `who_could` names who has it."""

    permission: Permission
    roles: tuple[str, ...]
    who_could: str = ""


@dataclass(frozen=True)
class Abilities(Reply):
    app: str
    environment: str
    abilities: tuple[Ability, ...]
