"""Tekton in memory: Pipelines, PipelineRetries and PipelineStream."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.domain.errors import NotFound, Refused
from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, RunStatus, StepLog, TaskStatus

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
TASKS = ("fetch-source", "run-tests", "build-push")
DIGEST = "sha256:" + "4" * 64


@dataclass
class MemoryPipelines:
    """Runs move only when a test moves them: `begin`, `finish`, `fail`. Set `failing` to break every call."""

    pipelines: tuple[str, ...] = ("ci-pipeline",)
    failing: Exception | None = None

    def __post_init__(self) -> None:
        self._runs: dict[str, PipelineRun] = {}
        self._by_request: dict[str, str] = {}
        self._logs: dict[str, tuple[StepLog, ...]] = {}
        self._numbers = itertools.count(1)
        self._listeners: list[asyncio.Queue[PipelineRun]] = []

    async def start(self, request: RunRequest) -> PipelineRun:
        self._answer()
        if request.id in self._by_request:
            return self._runs[self._by_request[request.id]]
        if request.pipeline not in self.pipelines:
            raise NotFound("tekton", f"start {request.pipeline}", f"no pipeline {request.pipeline}")
        number = next(self._numbers)
        params = dict(request.params) | ({"revision": request.revision} if request.revision else {})
        run = PipelineRun(
            name=f"{request.app}-{number:04}",
            namespace="ci",
            pipeline=request.pipeline,
            status=RunStatus.PENDING,
            app=request.app,
            requester=request.requester,
            params=params,
            created_at=START + timedelta(minutes=number),
            uid=f"uid-{number:04}",
        )
        self._by_request[request.id] = run.name
        return self._put(run)

    async def retry(self, name: str, request: RunRequest) -> PipelineRun:
        old = self._run(name)
        if not old.done:
            raise Refused("tekton", f"retry {name}", f"{name} is still {old.status}: cancel it first")
        return await self.start(replace(request, pipeline=old.pipeline, params=old.params, revision=""))

    async def get(self, name: str) -> PipelineRun:
        return self._run(name)

    async def list(self, app: str, limit: int) -> tuple[PipelineRun, ...]:
        self._answer()
        runs = [run for run in reversed(self._runs.values()) if not app or run.app == app]
        return tuple(replace(run, tasks=()) for run in runs[:limit])

    async def cancel(self, name: str, mode: CancelMode) -> PipelineRun:
        run = self._run(name)
        if run.done:
            raise Refused("tekton", f"cancel {name}", f"{name} is already finished")
        return self._put(replace(run, status=RunStatus.CANCELLED, reason="Cancelled", finished_at=self._now(run)))

    async def logs(self, name: str, lines: int) -> tuple[StepLog, ...]:
        self._run(name)
        return tuple(replace(log, lines=log.lines[-lines:]) for log in self._logs.get(name, ()))

    async def changes(self) -> AsyncIterator[PipelineRun]:
        heard: asyncio.Queue[PipelineRun] = asyncio.Queue()
        for run in self._runs.values():
            heard.put_nowait(run)
        self._listeners.append(heard)
        try:
            while True:
                self._answer()
                yield await heard.get()
        finally:
            self._listeners.remove(heard)

    def begin(self, name: str) -> PipelineRun:
        run = self._run(name)
        tasks = (TaskStatus(TASKS[0], RunStatus.RUNNING), *(TaskStatus(task, RunStatus.PENDING) for task in TASKS[1:]))
        return self._put(
            replace(run, status=RunStatus.RUNNING, reason="Running", started_at=run.created_at, tasks=tasks)
        )

    def finish(self, name: str, results: dict[str, str] | None = None) -> PipelineRun:
        run = self._run(name)
        if run.done:
            return run
        self.print(name, [StepLog(task, "main", (f"{task} begins", f"{task} ends")) for task in TASKS])
        return self._put(
            replace(
                run,
                status=RunStatus.SUCCEEDED,
                reason="Succeeded",
                results={"digest": DIGEST, "commit": "c" * 40} if results is None else results,
                tasks=tuple(TaskStatus(task, RunStatus.SUCCEEDED) for task in TASKS),
                started_at=run.started_at or run.created_at,
                finished_at=self._now(run),
            )
        )

    def fail(self, name: str, task: str = "run-tests", step: str = "test") -> PipelineRun:
        run = self._run(name)
        why = f'step "{step}" ended with exit code 1'
        before = TASKS[: TASKS.index(task)]
        self.print(name, [StepLog(task, step, ("FAILED tests/test_checkout.py", "1 failed, 41 passed"))])
        tasks = (
            *(TaskStatus(done, RunStatus.SUCCEEDED) for done in before),
            TaskStatus(task, RunStatus.FAILED, "Failed", why, failed_step=step),
        )
        message = f"Task {task} failed: {why}"
        return self._put(
            replace(
                run, status=RunStatus.FAILED, reason="Failed", message=message, tasks=tasks, finished_at=self._now(run)
            )
        )

    def print(self, name: str, logs: Iterable[StepLog]) -> None:
        self._logs[name] = tuple(logs)

    def _put(self, run: PipelineRun) -> PipelineRun:
        self._runs[run.name] = run
        for heard in self._listeners:
            heard.put_nowait(run)
        return run

    def _run(self, name: str) -> PipelineRun:
        self._answer()
        if name not in self._runs:
            raise NotFound("tekton", f"read run {name}", f"no run {name}")
        return self._runs[name]

    def _answer(self) -> None:
        if self.failing is not None:
            raise self.failing

    def _now(self, run: PipelineRun) -> datetime:
        return (run.started_at or run.created_at or START) + timedelta(seconds=90)
