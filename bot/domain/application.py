"""Applications as Argo CD sees them, with Argo CD's own words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import overload

from bot.domain.source import Source


class SyncStatus(StrEnum):
    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class HealthStatus(StrEnum):
    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


class OperationPhase(StrEnum):
    RUNNING = "Running"
    TERMINATING = "Terminating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class ApplicationRef:
    """Names one Application. `project` makes "absent" and "forbidden" two different answers (A5)."""

    name: str
    environment: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class FailedResource:
    """A resource or hook that a sync could not apply; `hook` is "PreSync" and the like, "" for no hook (A33)."""

    kind: str
    name: str
    message: str
    phase: str = ""
    hook: str = ""

    def __str__(self) -> str:
        what = f"{self.hook} hook {self.kind} {self.name}" if self.hook else f"{self.kind} {self.name}"
        return f"{what}{f' is {self.phase}' if self.phase else ''}: {self.message}"


@dataclass(frozen=True, slots=True)
class Operation:
    """The newest sync operation.

    `pending`: asked for, but the controller has not begun (A14). `retrying`: this attempt failed and another comes,
    which Argo CD shows as Running with a finish time (A16).
    """

    phase: OperationPhase
    message: str = ""
    revision: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pending: bool = False
    retrying: bool = False
    failures: tuple[FailedResource, ...] = ()
    by: str = ""
    """the account that asked for it, as Argo CD calls it; "" for an automated sync"""

    @property
    def finished(self) -> bool:
        ended = self.phase in (OperationPhase.SUCCEEDED, OperationPhase.FAILED, OperationPhase.ERROR)
        return ended and not self.pending and not self.retrying

    @property
    def succeeded(self) -> bool:
        return self.finished and self.phase is OperationPhase.SUCCEEDED

    @property
    def failed(self) -> bool:
        """For good: no other attempt comes."""
        return self.finished and self.phase is not OperationPhase.SUCCEEDED


@dataclass(frozen=True, slots=True)
class ResourceHealth:
    """A resource that is not well, and what it says of itself."""

    kind: str
    name: str
    namespace: str = ""
    health: HealthStatus = HealthStatus.UNKNOWN
    message: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """One app in one environment as Argo CD last reconciled it."""

    ref: ApplicationRef
    sync: SyncStatus
    health: HealthStatus
    revision: str = ""
    """the commit that it was last compared with"""
    health_message: str = ""
    health_since: datetime | None = None
    reconciled_at: datetime | None = None
    operation: Operation | None = None
    images: tuple[str, ...] = ()
    auto_sync: bool = False
    conditions: tuple[str, ...] = ()
    url: str = ""
    history: Sequence["HistoryEntry"] = ()
    """oldest first"""
    sources: tuple[Source, ...] = ()
    """where its manifests come from; where there are several, `revision` is the overlay repository's"""
    out_of_sync: tuple[str, ...] = ()
    """the resources that are not as git says, at most twenty: "ConfigMap settings" """
    to_prune: tuple[str, ...] = ()
    """those of them that only a sync with pruning takes away"""

    subscribed: tuple[tuple[str, str], ...] = ()
    """trigger and Slack recipient of each subscription that its annotations ask Argo CD's notifications for"""
    deleted: bool = False
    """the rest is what was last known of it"""

    @property
    def under_way(self) -> Operation | None:
        """The sync operation that runs, is asked for, or is about to be tried again; None while none is."""
        return self.operation if self.operation and not self.operation.finished else None

    @property
    def well(self) -> bool:
        """Healthy, and nothing is being changed."""
        return self.health is HealthStatus.HEALTHY and self.under_way is None

    @property
    def settled(self) -> bool:
        """Whether no sync runs, and sync and health are of after the newest one (A14, A16, A19).

        It says nothing about a commit: revision, operation and images do, together (A28).
        """
        if self.operation is None:
            return True
        if self.under_way:
            return False
        ended = self.operation.finished_at
        return bool(self.reconciled_at and ended and self.reconciled_at >= ended)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An entry of the Application's history (A20)."""

    id: int
    revision: str
    deployed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryColumns(Sequence[HistoryEntry]):
    """Entries, kept by their columns: ten thousand Applications have a hundred thousand entries, and each object that
    the garbage collector looks through holds the event loop up.
    """

    ids: tuple[int, ...]
    revisions: tuple[str, ...]
    times: tuple[datetime | None, ...]

    @classmethod
    def of(cls, entries: Iterable[HistoryEntry]) -> "HistoryColumns":
        found = tuple(entries)
        return cls(
            tuple([entry.id for entry in found]),
            tuple([entry.revision for entry in found]),
            tuple([entry.deployed_at for entry in found]),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[HistoryEntry]:
        return map(HistoryEntry, self.ids, self.revisions, self.times)

    @overload
    def __getitem__(self, at: int) -> HistoryEntry: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[HistoryEntry]: ...

    def __getitem__(self, at: int | slice) -> HistoryEntry | Sequence[HistoryEntry]:
        return tuple(self)[at]


@dataclass(frozen=True, slots=True)
class SyncPermission:
    """What the project's sync windows say to the kind of sync that the Application would get now (A23, A30)."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LastKnown:
    """How an Application was when it was last heard of, `at` (UTC): it may be otherwise now."""

    sync: SyncStatus
    health: HealthStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class Unheard:
    """An Argo CD whose changes are not heard at the moment, or not all read yet: what is shown of it was asked for.

    `name` is the policy's ("" where there is only one). `since`: when it was last heard (UTC); None where it never was.
    """

    name: str = ""
    since: datetime | None = None
