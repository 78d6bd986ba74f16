"""What moves on the platform, whoever moved it: facts as they were observed, and the deployments that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from bot.domain.build import ImagePushed, ImageScanned, Pushed, RunEnded, RunStarted
from bot.domain.event import Event
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Progress
from bot.domain.safety import HeldThen
from bot.domain.source_range import CommitsFound, ToldCommits, Undoing

MOST_COMMITS = 1000
"""commits of one push that count on their own in lead times"""
FIXED_WITHIN = timedelta(days=7)
"""of a deployment, unless policy says otherwise: what is fixed by then was a failed change"""


class Cause(StrEnum):
    """Who or what changed an app in an environment."""

    PROMOTION = "promotion"
    ROLLBACK = "automatic rollback"
    """by policy, without a person"""
    PIPELINE = "pipeline"
    """a commit of the first environment that names a pipeline run: a claim, which vouches for nothing"""
    GIT = "by hand in git"
    ARGOCD = "by hand in Argo CD"

    @property
    def ours(self) -> bool:
        """Whether Pilothouse did it itself, and has told of it."""
        return self in (Cause.PROMOTION, Cause.ROLLBACK)


class Outcome(StrEnum):
    """How a deployment ended, as far as is known."""

    UNDER_WAY = "under way"
    HEALTHY = "Healthy"
    SYNCED = "synced"
    """and no more is known: it was replaced before somebody looked, or was synced by hand in Argo CD"""
    FAILED = "failed"
    """the sync failed, or what was synced turned Degraded before it was ever Healthy"""
    SUPERSEDED = "superseded"
    NEVER_RAN = "never ran"

    @property
    def failed(self) -> bool:
        return self in (Outcome.FAILED, Outcome.NEVER_RAN)


@dataclass(frozen=True)
class ImageChange:
    """One entry of `images:`, as it was and as it is; None for an entry that was added or removed."""

    before: OverlayImage | None
    after: OverlayImage | None

    @property
    def name(self) -> str:
        entry = self.after or self.before
        return entry.name if entry else ""

    @property
    def labels(self) -> tuple[str, str]:
        return (self.before.label if self.before else "nothing", self.after.label if self.after else "nothing")


def coming(sha: str, moved: str) -> str:
    return f"{sha}@{moved[:12]}" if moved else sha


@dataclass(frozen=True)
class Committed:
    """The branch's own line of commits has changed an overlay. `images` is empty where other settings changed."""

    sha: str
    author: Author
    subject: str
    cause: Cause
    overlay: str
    """path of the kustomization file"""
    images: tuple[ImageChange, ...] = ()
    paths: tuple[str, ...] = ()
    """what else changed in the overlay's directory, at most five"""
    url: str = ""
    promotion: str = ""
    run: str = ""
    """the pipeline run that the commit names"""
    undoing: Undoing | None = None
    """commits of the same branch that it says it reverts or fixes; None where it names none, and of earlier versions"""
    unreadable: bool = False
    """the kustomization file cannot be read at this commit, so nobody knows its images, and Argo CD builds nothing"""
    moved: str = ""
    """the commit that the branch was at before, where somebody moved it to this one, which had been there already"""

    @property
    def id(self) -> str:
        """Of the commit's coming: it may come more than once."""
        return coming(self.sha, self.moved)

    held: HeldThen | None = None
    """what held the place when a commit by hand came; None where nothing did, or nobody knows"""


@dataclass(frozen=True)
class SyncedByHand:
    """Somebody made Argo CD run another commit's images than git's branch says."""

    sha: str
    by: str
    """as Argo CD calls the person"""
    overlay: str
    images: tuple[ImageChange, ...]
    url: str = ""


@dataclass(frozen=True)
class Judged:
    """How far a commit has come in one Application, by the one rule that promotions are followed by (A28).

    `sha`: the commit, and of one that came again which time (`Committed.id`).
    """

    sha: str
    progress: Progress
    explanation: str = ""
    synced_at: datetime | None = None


@dataclass(frozen=True)
class HealthChanged:
    """An Application's health; `resource` is to blame, and `message` is what it says of itself."""

    healthy: bool
    status: str
    resource: str = ""
    message: str = ""


@dataclass(frozen=True)
class Drifted:
    """The cluster is not as git says, though nothing was committed; or it is again."""

    resources: tuple[str, ...]
    over: bool = False


@dataclass(frozen=True)
class SyncUnknown:
    """Argo CD cannot compare the Application with git, by what it says of that; or it can again."""

    message: str
    over: bool = False


Detail = (
    Committed | SyncedByHand | Judged | HealthChanged | Drifted | SyncUnknown
    | Pushed | RunStarted | RunEnded | ImagePushed | ImageScanned | CommitsFound
)  # fmt: skip
KINDS: dict[str, type[Detail]] = {
    "committed": Committed,
    "synced-by-hand": SyncedByHand,
    "judged": Judged,
    "health": HealthChanged,
    "drift": Drifted,
    "sync-unknown": SyncUnknown,
    "pushed": Pushed,
    "run-started": RunStarted,
    "run-ended": RunEnded,
    "image-pushed": ImagePushed,
    "image-scanned": ImageScanned,
    "commits-found": CommitsFound,
}
"""what a fact is stored as; the names are for ever"""


@dataclass(frozen=True)
class Fact:
    """Something that happened to one app in one environment. A repeat has the same `key` and changes nothing.

    `at`: when it happened, by the clock of the system that it is from (UTC). `environment` is "" for what happens
    before the app is anywhere: pushes, pipeline runs and images.
    """

    key: str
    at: datetime
    app: str
    environment: str
    detail: Detail

    @property
    def kind(self) -> str:
        return next(name for name, kind in KINDS.items() if isinstance(self.detail, kind))


@dataclass(frozen=True)
class News:
    """Something that people are told, and what has become of it: one line of one message, edited as it goes on.

    `key` names it; `late`: it is so old that it is told in a summary.
    """

    key: str
    event: Event
    app: str
    environment: str
    at: datetime
    who: str = ""
    email: str = ""
    user: str = ""
    """the person's id, where Slack knows the address"""
    change: str = ""
    """what for what, as words"""
    cause: Cause | None = None
    subject: str = ""
    sha: str = ""
    url: str = ""
    outcome: Outcome | None = None
    why: str = ""
    over_at: datetime | None = None
    """when it was well again, or as git says again"""
    late: bool = False
    heard: tuple[str, ...] = ()
    """ids and names of those who hear of it elsewhere"""
    commits: int | None = None
    """source commits that it brings; None where nobody has said"""
    subjects: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    """of news of earlier versions, which told the commits of one image only"""
    brought: tuple[ToldCommits, ...] = ()
    """the commits, by image"""
    held: HeldThen | None = None
    """what held the place when it was committed by hand, as far as is known"""


@dataclass(frozen=True)
class Deployment:
    """One change of one app in one environment, whoever made it, and what became of it."""

    app: str
    environment: str
    sha: str
    cause: Cause
    at: datetime
    """when it was committed, or asked for in Argo CD"""
    who: str
    email: str = ""
    subject: str = ""
    overlay: str = ""
    images: tuple[ImageChange, ...] = ()
    paths: tuple[str, ...] = ()
    url: str = ""
    promotion: str = ""
    run: str = ""
    outcome: Outcome = Outcome.UNDER_WAY
    explanation: str = ""
    synced_at: datetime | None = None
    healthy_at: datetime | None = None
    ended_at: datetime | None = None
    """when its outcome was first known"""
    degraded_at: datetime | None = None
    """when it was first seen ill after it had been Healthy, and before the next deployment"""
    recovered_at: datetime | None = None
    """when it was well again after that"""
    replaced_at: datetime | None = None
    """when the next deployment began"""
    undoing: Undoing | None = None
    """commits of the overlay branch that its own commit says it reverts or fixes"""
    commits: CommitsFound | None = None
    """the source commits that it brings; None where nobody has said"""
    held: HeldThen | None = None
    """what held the place when it was committed by hand, as far as is known"""
    moved: str = ""
    """as `Committed.moved`"""

    @property
    def id(self) -> str:
        return coming(self.sha, self.moved)


@dataclass(frozen=True)
class ChangeFailure:
    """A deployment that made things worse: since when, and until when (None while it lasts, or nobody saw).

    `by`: the deployment that undid or fixed it, where one did.
    """

    deployment: Deployment
    why: str
    at: datetime
    restored_at: datetime | None = None
    by: Deployment | None = None

    @property
    def reason(self) -> str:
        """With the commit that undid or fixed it: "it was fixed by abc123", "it was reverted by abc123"."""
        return f"{self.why} by {self.by.sha}" if self.by else self.why

    @property
    def lasted(self) -> timedelta | None:
        return self.restored_at - self.at if self.restored_at else None


@dataclass(frozen=True)
class LeadTime:
    """How long a change was on its way: from `since` until the deployment that brought it was Healthy there.

    `pushed`: since the push of `commits` source commits, of which `revision` is the newest; else since the first commit
    that pinned the image anywhere.
    """

    deployment: Deployment
    since: datetime
    until: datetime
    pushed: bool = False
    revision: str = ""
    commits: int = 1

    @property
    def lasted(self) -> timedelta:
        return self.until - self.since

    @property
    def each(self) -> tuple[timedelta, ...]:
        """One for each source commit, up to MOST_COMMITS."""
        return (self.lasted,) * min(self.commits, MOST_COMMITS)


@dataclass(frozen=True)
class Figures:
    """What DORA's four figures are computed from, for one app in one environment, over so many days.

    `environment` is "" where several are counted together.
    """

    app: str
    days: float
    deployments: tuple[Deployment, ...] = ()
    leads: tuple[LeadTime, ...] = ()
    failures: tuple[ChangeFailure, ...] = ()
    environment: str = ""

    @property
    def lead_times(self) -> tuple[timedelta, ...]:
        """One for each source commit."""
        return tuple(lasted for one in self.leads for lasted in one.each)

    @property
    def from_pin(self) -> int:
        """How many of the lead times begin with a pin, since no push is on record."""
        return sum(not one.pushed for one in self.leads)

    @property
    def unseen(self) -> int:
        """How many of the deployments bring source commits that are not, or not all, known."""
        return sum(not (one.commits and one.commits.complete) for one in self.deployments)

    @property
    def a_day(self) -> float:
        return len(self.deployments) / self.days if self.days else 0.0

    @property
    def failure_rate(self) -> float | None:
        """Between 0 and 1; None where nothing was deployed."""
        return len(self.failures) / len(self.deployments) if self.deployments else None

    @property
    def lead_time(self) -> timedelta | None:
        """The median; None where nothing became Healthy."""
        return middle(self.lead_times)

    @property
    def lead_time_p90(self) -> timedelta | None:
        return percentile(self.lead_times, 90)

    @property
    def time_to_restore(self) -> timedelta | None:
        """The median of the failures that are over; None where none is."""
        return middle([one.lasted for one in self.failures if one.lasted is not None])


def middle(times: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(time.total_seconds() for time in times)) if times else None


def percentile(times: Sequence[timedelta], percent: int) -> timedelta | None:
    """By the nearest rank: the smallest time that so many percent of all do not exceed."""
    ordered = sorted(times)
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)] if ordered else None
