"""A Tekton in memory: Pipelines and PipelineRetries."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.domain.errors import NotFound, Refused
from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, RunStatus, StepLog, TaskStatus

SYSTEM = "Tekton"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass
class MemoryPipelines:
    """Tests end runs (`fail`, `succeed`); `failing` breaks every call."""

    failing: Exception | None = None
    requests: list[RunRequest] = field(default_factory=list)
    _runs: dict[str, PipelineRun] = field(default_factory=dict)
    _logs: dict[str, tuple[StepLog, ...]] = field(default_factory=dict)

    async def start(self, request: RunRequest) -> PipelineRun:
        self._fail()
        name = f"{request.app or 'run'}-{request.id[:6]}"
        if name not in self._runs:
            self.requests.append(request)
            self._runs[name] = PipelineRun(
                name,
                "ci",
                request.pipeline,
                RunStatus.RUNNING,
                app=request.app,
                requester=request.requester,
                params=dict(request.params),
                created_at=START + timedelta(minutes=len(self._runs)),
            )
        return self._runs[name]

    async def get(self, name: str) -> PipelineRun:
        self._fail()
        if name not in self._runs:
            raise NotFound(SYSTEM, f"read PipelineRun {name}", "HTTP 404")
        return self._runs[name]

    async def list(self, app: str, limit: int) -> tuple[PipelineRun, ...]:
        self._fail()
        newest = sorted(self._runs.values(), key=lambda run: run.created_at or START, reverse=True)
        return tuple(run for run in newest if app in ("", run.app))[:limit]

    async def cancel(self, name: str, mode: CancelMode) -> PipelineRun:
        run = await self.get(name)
        if run.done:
            raise Refused(SYSTEM, f"cancel {name}", "it is over")
        return self.put(replace(run, status=RunStatus.CANCELLED, reason=str(mode)))

    async def logs(self, name: str, lines: int) -> tuple[StepLog, ...]:
        await self.get(name)
        return tuple(replace(log, lines=log.lines[-lines:]) for log in self._logs.get(name, ()))

    async def retry(self, name: str, request: RunRequest) -> PipelineRun:
        await self.get(name)
        return await self.start(request)

    def put(self, run: PipelineRun) -> PipelineRun:
        self._runs[run.name] = run
        return run

    def fail(self, name: str, task: str, step: str, message: str, *lines: str) -> PipelineRun:
        """The run ends because a step of a task did; `lines` are what that step printed."""
        broken = TaskStatus(task, RunStatus.FAILED, "Failed", message, step, START, START + timedelta(minutes=2))
        self._logs[name] = (
            StepLog("fetch-source", "clone", ("Cloning into '.'...",)),
            StepLog(task, step, lines),
        )
        run = self._runs[name]
        return self.put(replace(run, status=RunStatus.FAILED, reason="Failed", tasks=(broken,)))

    def succeed(self, name: str) -> PipelineRun:
        return self.put(replace(self._runs[name], status=RunStatus.SUCCEEDED))

    def print(self, name: str, *logs: StepLog) -> None:
        self._logs[name] = logs

    def _fail(self) -> None:
        if self.failing:
            raise self.failing
