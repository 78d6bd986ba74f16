"""What the core needs of the world, as Protocols of at most five methods.

Every method is a coroutine (but for what is known at once), returns domain values, and raises `IntegrationError`
(`Unavailable` or `Refused`) only.
Adapters live in `integrations/`; working in-memory fakes in `tests/fakes/`; one contract suite runs on both.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain.application import Application, ApplicationRef, ResourceHealth, SyncPermission
from bot.domain.caller import Caller, UserGroup
from bot.domain.chart import Chart
from bot.domain.drift import Drift
from bot.domain.image import Artifact, Image
from bot.domain.overlay import Author, Change, ChangedPath, Commit
from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, StepLog
from bot.domain.safety import Freeze, Lock, Rejection
from bot.domain.scan import Scan, Vulnerability
from bot.domain.signature import SignatureCheck

MOST_DIFFERENCES = 300
"""between two commits; more than a promotion ever changes"""


class Clock(Protocol):
    """The time, and its passing. One clock for everything, so that tests can let a day pass in a moment."""

    def now(self) -> datetime:
        """UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return when so much time has passed."""


class OverlaySource(Protocol):
    """The overlay repository, read at a commit. Paths are relative, with forward slashes."""

    async def head(self) -> str:
        """The sha that the branch points to now."""

    async def default_branch(self) -> str:
        """The branch that the remote's HEAD names now; "" where it names none."""

    async def paths(self, at: str) -> tuple[str, ...]:
        """Every file path at a commit."""

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        """Contents by path; a path that is absent at that commit is absent from the answer."""

    async def history(self, path: str, limit: int, at: str = "") -> tuple[Commit, ...]:
        """The commits that touched `path` ("" for all), newest first: back from `at`, or from the head of now."""

    async def versions(self, path: str, commits: Iterable[str]) -> Mapping[str, bytes]:
        """One file at many commits, asked at once: contents by commit, without those that do not have it.

        The commits are some that `history` has given.
        """

    async def differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        """Every path of the whole repository that is not the same at two commits.

        Raises Refused where the two differ in more than `MOST_DIFFERENCES` paths. NotFound for an unknown commit.
        """


class OverlayWriter(Protocol):
    """The only way in which Pilothouse changes the world's desired state."""

    async def commit(self, change: Change, expected_head: str) -> Commit:
        """One commit on the branch, all files or none. Raises HeadMoved when the branch is not at `expected_head`."""

    async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        """The commits that carry `trailer: value` and our identity, newest first, back to the commit `since`.

        Anybody who may push can write both: what a commit changes says whether it is ours.
        """


@dataclass(frozen=True)
class PullRequest:
    """`state` is open, merged or closed. `checks` is pending, success or failure.

    `held_up`: why nobody merges it, for people. `head` is the commit that would be merged, or was; `fork` is where it
    leaves the branch that it goes into, while it is open. `commits` counts its own, without those that only merge.
    """

    number: int
    url: str
    state: str
    checks: str = "pending"
    merge_commit: str = ""
    held_up: str = ""
    head: str = ""
    fork: str = ""
    commits: int = 0
    merge_parents: tuple[str, ...] = ()


class PullRequests(Protocol):
    """For environments that are changed by pull request."""

    async def open(self, change: Change, branch: str, expected_head: str, title: str, body: str) -> PullRequest:
        """Open one, or find the one that is open for `branch` already: whether that holds `change` is for the caller.

        Raises Refused where a branch of that name holds something else.
        """

    async def opened(self, branch: str) -> PullRequest | None:
        """The one that is open for `branch`."""

    async def get(self, number: int) -> PullRequest: ...

    async def merge(self, number: int, head: str, message: str, author: Author) -> PullRequest:
        """Merge exactly `head`. Raises HeadMoved when that is not its head; Refused when it cannot be merged."""

    async def close(self, number: int, comment: str) -> None: ...


@dataclass(frozen=True)
class Comparison:
    """What lies between two source revisions. `total` may exceed the number of `commits` listed."""

    total: int
    commits: tuple[Commit, ...]
    url: str = ""
    behind: int = 0
    """how many commits only the other one has"""


class SourceHistory(Protocol):
    """The repositories that images are built from."""

    async def compare(self, source: str, before: str, after: str) -> Comparison:
        """The commits from `before` (exclusive) to `after`, newest first. `source` is the repository's URL."""


class Registry(Protocol):
    """Images and their scans. `repository` includes the registry's host."""

    async def artifact(self, repository: str, reference: str) -> Artifact:
        """By tag or digest. Raises NotFound."""

    async def newest(self, repository: str, limit: int) -> tuple[Artifact, ...]:
        """The newest tagged artifacts, newest first."""

    async def scan(self, image: Image) -> Scan:
        """The newest scan; while a rescan runs, its status (the last finished report is in `vulnerabilities`)."""

    async def start_scan(self, image: Image) -> None:
        """Start one; one that runs already is no error."""

    async def vulnerabilities(self, image: Image, counted: int = 0) -> tuple[Vulnerability, ...]:
        """The findings of the last finished scan, with the project's allowlist subtracted.

        Raises NotFound where no scan has finished, and Unavailable where the list, before the subtraction, is shorter
        than the scan has `counted`.
        """


class ImageContents(Protocol):
    async def contents(self, image: Image) -> frozenset[str]:
        """Words for all that it consists of: its own digest, for an index those of everything under it, and for each
        image those of its config and of its files, which another manifest may hold as well.
        """


class Pulls(Protocol):
    async def refusal(self, image: Image) -> str:
        """Why the registry would not hand the image out to a cluster, in its own words; "" where it would."""


class Signatures(Protocol):
    """Is it signed by somebody we trust?"""

    async def check(self, image: Image, keys: Mapping[str, str], *, own_repository: bool = False) -> SignatureCheck:
        """`keys`: name → PEM public key; any one is enough. `own_repository`: the signature must name the image's."""


class Applications(Protocol):
    """Argo CD."""

    async def get(self, ref: ApplicationRef) -> Application:
        """Read one. Raises NotFound."""

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The environments, those together that one Argo CD serves: one overview answers for all of them."""

    async def overview(self, environment: str) -> tuple[Application, ...]:
        """All that the token may see in one environment's Argo CD, as far as a board shows it.

        That is sync, health with its message, images and the operation's phase. What else an Application has stays
        empty, and a revision may: not every Argo CD tells it in a list. `get` reads the rest.
        """

    async def refresh(self, ref: ApplicationRef) -> Application:
        """Compare with git now, instead of at the next poll."""

    async def sync(self, ref: ApplicationRef, revision: str) -> None:
        """Start a sync to a commit ("": to what it follows); one that runs already is no error."""

    async def unhealthy(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...]:
        """The resources that are not Healthy, worst first, with what they say of themselves."""


class ApplicationOperations(Protocol):
    """What people ask Argo CD about one Application, and have it do, beside what promotions need."""

    async def drift(self, ref: ApplicationRef) -> tuple[Drift, ...]:
        """The resources whose live state is not what git says, with who wrote what differs."""

    async def terminate(self, ref: ApplicationRef) -> bool:
        """Stop the sync that runs; False when none does."""


class SyncWindows(Protocol):
    async def permission(self, ref: ApplicationRef) -> SyncPermission:
        """What the project's sync windows say to the sync that it would get now: automated where auto-sync is on."""


class ApplicationStream(Protocol):
    def changes(self, environment: str) -> AsyncIterator[Application]:
        """The present state, then every change, in order per Application; nothing missed, nothing doubled."""

    def silence(self, environment: str) -> float:
        """Seconds since a stream of changes last heard from it, or read it whole; infinite where none ever did."""


class Pipelines(Protocol):
    """Tekton."""

    async def start(self, request: RunRequest) -> PipelineRun:
        """Create a run; the same `request.id` returns the run that it made before."""

    async def get(self, name: str) -> PipelineRun: ...

    async def list(self, app: str, limit: int) -> tuple[PipelineRun, ...]:
        """Newest first; `app` "" for all."""

    async def cancel(self, name: str, mode: CancelMode) -> PipelineRun:
        """Raises Refused when it is over already."""

    async def logs(self, name: str, lines: int) -> tuple[StepLog, ...]:
        """The last lines of each step that has printed, in order."""


class PipelineRetries(Protocol):
    async def retry(self, name: str, request: RunRequest) -> PipelineRun:
        """Start a run like the one called `name`; the same `request.id` returns the run that it made before."""


class PipelineStream(Protocol):
    def changes(self) -> AsyncIterator[PipelineRun]:
        """Every run, then every change; re-listed when the server lost the thread."""


class HandlePins(Protocol):
    async def first(self, seen: Mapping[str, str]) -> Mapping[str, str]:
        """Handle → the id of the group that had it first. `seen`: handle → id, noted where nobody had it before.

        Raises DatabaseAway.
        """


class Directory(Protocol):
    """People, as the workspace knows them now (at most 60 s old)."""

    async def caller(self, user: str, team: str = "") -> Caller:
        """Raises NotFound for an unknown user."""

    async def group(self, name: str) -> UserGroup:
        """A user group, named by id or @handle. Raises NotFound."""

    async def members(self, group: str) -> frozenset[str]:
        """User ids in a user group, named by id or @handle. Raises NotFound."""

    async def by_email(self, email: str) -> Caller:
        """Raises NotFound."""


@dataclass(frozen=True)
class Rendered:
    """How something looks: Block Kit blocks and the text that stands for them in notifications."""

    text: str
    blocks: tuple[Mapping[str, Any], ...] = ()
    color: str = ""


@dataclass(frozen=True)
class Posted:
    """Where a message is."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Request:
    """What somebody asked through Slack. `body` is JSON; `at` is when it came, in seconds since the epoch.

    `kind` is command, button, submission or event; `tries` counts how often the work on it was begun.
    """

    id: str
    kind: str
    body: str
    at: float
    tries: int = 1


class RequestLog(Protocol):
    """Requests of Slack, kept over restarts until they are done. Raises DatabaseAway."""

    async def note(self, request: Request) -> bool:
        """Put it down, leased to this process; False when it was put down before. Answers within two seconds."""

    async def take(self, now: float, limit: int) -> tuple[Request, ...]:
        """The oldest that nobody works on, leased to this process from now on."""

    async def renew(self, ids: Iterable[str], now: float) -> None:
        """This process still works on them."""

    async def release(self, ids: Iterable[str] | None = None) -> None:
        """Somebody else may take them; None, after a start: those of a process that was alone and is gone."""

    async def settle(self, id: str) -> None:
        """It is done, or never will be. What it said is forgotten."""


@dataclass(frozen=True)
class FileUpload:
    """`description`: what a picture shows, for those who do not see it. `comment`: mrkdwn, the text of its message."""

    name: str
    content: bytes
    title: str
    description: str = ""
    comment: str = ""


class Messenger(Protocol):
    """Words to people."""

    async def post(
        self,
        channel: str,
        message: Rendered,
        *,
        thread: str = "",
        broadcast: bool = False,
        key: str = "",
        first: bool = False,
    ) -> Posted:
        """`key` makes the post findable again, so that a retry after a lost reply does not post twice (S3).

        `first`: no try can have been made before, so there is nothing to look for.
        """

    async def update(self, posted: Posted, message: Rendered) -> None:
        """Raises NotFound when the message is gone."""

    async def whisper(self, channel: str, user: str, message: Rendered, *, thread: str = "") -> None:
        """A message that only one person sees, in a thread where they look at that."""

    async def direct(self, user: str, message: Rendered) -> Posted: ...

    async def upload(self, channel: str, file: FileUpload, thread: str = "") -> None:
        """The message that has it comes a little later (S9)."""


class ChartPainter(Protocol):
    """Draws, without holding anything else up."""

    @property
    def ready(self) -> bool:
        """False where nothing is installed that draws."""

    async def paint(self, chart: Chart) -> bytes:
        """A PNG. Raises Unavailable or Refused."""


class MessageLinks(Protocol):
    """Messages that are there."""

    async def permalink(self, posted: Posted) -> str:
        """A link that opens Slack at the message. Raises NotFound when it is gone."""

    async def remove(self, posted: Posted) -> None:
        """Raises NotFound when it is gone already."""


class Modals(Protocol):
    """Windows over the conversation, and the bot's Home tab. Views are what `bot.views` makes."""

    async def open(self, trigger: str, view: Mapping[str, Any]) -> str:
        """The view's id. Raises Refused when the trigger is older than three seconds, or used (S15)."""

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Raises NotFound when the person has closed it."""

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class FiringAlert:
    """An alert that fires now, as Alertmanager labels it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    url: str = ""


class Alerts(Protocol):
    async def firing(self, labels: Mapping[str, str]) -> tuple[FiringAlert, ...]:
        """The alerts that fire now and carry all of these labels."""


@dataclass(frozen=True)
class CustomQuestion:
    """A question for a team's own gate endpoint."""

    url: str
    secret: str
    timeout: timedelta
    body: Mapping[str, Any]


class CustomGates(Protocol):
    async def ask(self, question: CustomQuestion) -> tuple[bool, str]:
        """Whether it passes, and the reason it gives."""


class Locks(Protocol):
    async def held(self, app: str, environment: str) -> Lock | None:
        """The lock that holds this app there now: its own, or one on the whole environment."""


class Freezes(Protocol):
    async def active(self, app: str, environment: str) -> Freeze | None:
        """The freeze that a person called and that holds this app there now."""


class Rejections(Protocol):
    async def all(self) -> tuple[Rejection, ...]:
        """Every image that is rejected, whichever app it was rejected for; the newest first."""


class PromotionRecord(Protocol):
    async def succeeded(self, app: str, environment: str, digest: str) -> bool:
        """Whether a promotion ever saw this image Healthy there."""
