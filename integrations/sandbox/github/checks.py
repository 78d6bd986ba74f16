"""Commit statuses and check runs: two separate systems (G10)."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.clock import rfc3339

GREEN = {"success", "neutral", "skipped"}


def now() -> str:
    return rfc3339(datetime.now(UTC))


@dataclass
class Status:
    id: int
    sha: str
    context: str
    state: str
    description: str | None = None
    target_url: str | None = None
    creator: dict[str, Any] | None = None
    at: str = field(default_factory=now)


@dataclass
class CheckRun:
    """`conclusion` is None until `status` is completed."""

    id: int
    sha: str
    name: str
    status: str = "queued"
    conclusion: str | None = None
    details_url: str | None = None
    external_id: str = ""
    output: dict[str, Any] = field(default_factory=dict)
    started_at: str = field(default_factory=now)
    completed_at: str | None = None


class Checks:
    def __init__(self) -> None:
        self.statuses: list[Status] = []
        self.runs: dict[int, CheckRun] = {}
        self._ids = itertools.count(1)

    def add_status(self, sha: str, context: str, state: str, **more: Any) -> Status:
        status = Status(next(self._ids), sha, context, state, **more)
        self.statuses.append(status)
        return status

    def add_run(self, sha: str, name: str, **more: Any) -> CheckRun:
        run = CheckRun(next(self._ids), sha, name, **more)
        self.runs[run.id] = run
        return run

    def statuses_of(self, sha: str) -> list[Status]:
        """Newest first."""
        return [status for status in reversed(self.statuses) if status.sha == sha]

    def latest_statuses(self, sha: str) -> list[Status]:
        latest: dict[str, Status] = {}
        for status in self.statuses_of(sha):
            latest.setdefault(status.context, status)
        return list(latest.values())

    def combined(self, sha: str) -> str:
        """`pending` also when there is no status at all (G10)."""
        states = {status.state for status in self.latest_statuses(sha)}
        if states & {"failure", "error"}:
            return "failure"
        return "success" if states == {"success"} else "pending"

    def runs_of(self, sha: str, *, latest: bool = True) -> list[CheckRun]:
        """Newest first; `latest` keeps the newest of each name: a re-run makes a new run (G10)."""
        found: dict[Any, CheckRun] = {}
        for run in sorted(self.runs.values(), key=lambda one: -one.id):
            if run.sha == sha:
                found.setdefault(run.name if latest else run.id, run)
        return list(found.values())

    def missing(self, sha: str, required: tuple[str, ...]) -> list[str]:
        """Which of the required contexts are not green, in either system."""
        green = {status.context for status in self.latest_statuses(sha) if status.state == "success"}
        green |= {run.name for run in self.runs_of(sha) if run.conclusion in GREEN}
        return [context for context in required if context not in green]
