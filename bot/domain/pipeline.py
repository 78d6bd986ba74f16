"""Pipeline runs as Tekton sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class RunStatus(StrEnum):
    """Tekton's one condition, `Succeeded`, as a word (T1)."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    DELETED = "Deleted"
    """gone from the cluster before its end was seen"""


SOURCES = ("repo-url", "git-url", "CHAINS-GIT_URL")
"""results and parameters by which a run names its source repository"""
HELD = "held"
"""the result in which a pipeline says why it has not written its overlay; absent or "" when it has"""
DELETED = "It was deleted before it ended: what it built, if anything, is not known here."
ABSENT = "It is gone from the cluster, and its end was not seen: what it built, if anything, is not known here."


class CancelMode(StrEnum):
    """T8: stop now; stop the tasks but run `finally`; let running tasks end, then run `finally`."""

    NOW = "Cancelled"
    RUN_FINALLY = "CancelledRunFinally"
    STOP_GRACEFULLY = "StoppedRunFinally"


@dataclass(frozen=True)
class TaskStatus:
    """One task of a run; `failed_step` and `message` say why it failed, where it did, or why it cannot start.

    `skipped`: it did not run, by the pipeline's own conditions or, where it is Cancelled, because the run ended first.
    """

    name: str
    status: RunStatus
    reason: str = ""
    message: str = ""
    failed_step: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    skipped: bool = False


@dataclass(frozen=True)
class PipelineRun:
    name: str
    namespace: str
    pipeline: str
    status: RunStatus
    reason: str = ""
    message: str = ""
    app: str = ""
    requester: str = ""
    """Slack user id, "" when a webhook started it"""
    params: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    tasks: tuple[TaskStatus, ...] = ()
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    uid: str = ""
    """the cluster's own: another run may have the name once this one is deleted"""

    @property
    def source(self) -> str:
        """URL of the source repository as it names it, "" where it does not."""
        return self.says(SOURCES)

    def says(self, names: Iterable[str]) -> str:
        """The first of these results and parameters that is not empty, or ""."""
        said = ((self.results.get(name) or self.params.get(name) or "").strip() for name in names)
        return next((text for text in said if text), "")

    @property
    def done(self) -> bool:
        return self.status not in (RunStatus.PENDING, RunStatus.RUNNING)

    @property
    def duration(self) -> timedelta | None:
        if self.started_at and self.finished_at:
            return self.finished_at - self.started_at
        return None


@dataclass(frozen=True)
class RunRequest:
    """A run to create: of which Pipeline, for which app, with which parameters, asked for by whom.

    `id` is derived from Slack's request id; the same id never creates a second run.
    """

    id: str
    pipeline: str
    app: str
    params: dict[str, str]
    requester: str
    revision: str = ""


@dataclass(frozen=True)
class StepLog:
    """What one step of one task printed, newest lines last; `gone` when the pod is no longer there (T10, T15)."""

    task: str
    step: str
    lines: tuple[str, ...]
    gone: bool = False
