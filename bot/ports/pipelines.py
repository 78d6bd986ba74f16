"""Pipeline runs."""

from collections.abc import AsyncIterator
from typing import Protocol

from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, StepLog


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


class PipelineRuns(Pipelines, PipelineRetries, PipelineStream, Protocol):
    """Tekton, asked and listened to."""
