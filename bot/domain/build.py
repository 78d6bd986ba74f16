"""From a commit to an image: what is pushed, what a pipeline run makes of it, and what the registry says of that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.overlay import Author
from bot.domain.pipeline import RunStatus
from bot.domain.scan import ScanStatus, Severity


@dataclass(frozen=True)
class Pushed:
    """Commits came onto the default branch of a source repository; `sha` is the newest of them.

    Author and subject are what the commit says of itself: anybody may write them.
    """

    repository: str
    """URL"""
    sha: str
    author: Author
    subject: str
    url: str = ""
    count: int = 0
    """commits in the push"""
    subjects: tuple[str, ...] = ()
    """of the newest few, the newest first"""
    forced: bool = False
    """it replaced commits of the branch: what was pushed before need not be in it"""


@dataclass(frozen=True)
class RunStarted:
    """A pipeline run of an app; `revision` is the source commit, "" where the run names none."""

    run: str
    revision: str = ""
    source: str = ""
    """URL of the source repository"""
    requester: str = ""
    """Slack user id, "" when no person started it"""
    repository: str = ""
    """what it is to push to, where it says so"""


@dataclass(frozen=True)
class RunEnded:
    """And what became of it; `repository`, `tag` and `digest` are of the image that it built, by its results."""

    run: str
    status: RunStatus
    revision: str = ""
    source: str = ""
    requester: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    reason: str = ""
    """why it did not succeed"""
    held: str = ""
    """why it has not written its overlay"""
    started_at: datetime | None = None


@dataclass(frozen=True)
class ImagePushed:
    """The registry has the image; `repository` without the registry's host."""

    repository: str
    digest: str
    tag: str = ""


@dataclass(frozen=True)
class ImageScanned:
    """A scan is over. `counts` has the severities that were found, where it succeeded."""

    digest: str
    status: ScanStatus
    counts: tuple[tuple[Severity, int], ...] = ()
    fixable: int = 0


@dataclass(frozen=True)
class Build:
    """What is known of one source revision of an app: the newest run that built it, its image and the newest scan.

    `run` is "" for what was pushed, and has had no pipeline run yet. `ended_at` is None while the run is under way;
    `began_at` is None where nobody saw it begin.
    """

    app: str
    revision: str
    run: str
    at: datetime
    """when the first thing that is known happened"""
    status: RunStatus = RunStatus.RUNNING
    began_at: datetime | None = None
    ended_at: datetime | None = None
    source: str = ""
    requester: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    digests: tuple[str, ...] = ()
    """of all images that were built from the revision"""
    reason: str = ""
    held: str = ""
    stored_at: datetime | None = None
    """when the registry said that it has the image"""
    scan: ImageScanned | None = None
    push: Pushed | None = None
    pushed_at: datetime | None = None
    """when the revision came onto the default branch, by the git host's clock; None where no push is on record"""

    @property
    def lasted(self) -> timedelta | None:
        return self.ended_at - self.began_at if self.began_at and self.ended_at else None
