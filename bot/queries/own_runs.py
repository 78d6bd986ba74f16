"""Pipeline runs, with a requester only where Pilothouse has started them for one."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, StepLog
from bot.ports import PipelineRuns
from bot.store.started_runs import StartedRunStore

REMEMBERED = 1000
"""runs whose requester is kept in memory: the watch tells of each many times"""


class OwnRuns(PipelineRuns):
    """Who may write a PipelineRun can write anybody's id on it, and delete one to make another of its name: neither
    credits nor mentions anybody.

    `clock` counts seconds since the epoch. Raises what `runs` raises, and DatabaseAway.
    """

    def __init__(self, runs: PipelineRuns, started: StartedRunStore, clock: Callable[[], float]) -> None:
        self._runs = runs
        self._started = started
        self._clock = clock
        self._known: dict[str, str] = {}

    async def start(self, request: RunRequest) -> PipelineRun:
        return await self._noted(await self._runs.start(request), request)

    async def retry(self, name: str, request: RunRequest) -> PipelineRun:
        return await self._noted(await self._runs.retry(name, request), request)

    async def get(self, name: str) -> PipelineRun:
        return await self._one(await self._runs.get(name))

    async def list(self, app: str, limit: int) -> tuple[PipelineRun, ...]:
        return await self._credited(await self._runs.list(app, limit))

    async def cancel(self, name: str, mode: CancelMode) -> PipelineRun:
        return await self._one(await self._runs.cancel(name, mode))

    async def logs(self, name: str, lines: int) -> tuple[StepLog, ...]:
        return await self._runs.logs(name, lines)

    async def changes(self) -> AsyncIterator[PipelineRun]:
        async for run in self._runs.changes():
            yield await self._one(run)

    async def _noted(self, run: PipelineRun, request: RunRequest) -> PipelineRun:
        """A process that dies before this is asked again, and gets the run that it made."""
        await self._started.note(run.uid, request.requester, self._clock())
        return await self._one(run)

    async def _one(self, run: PipelineRun) -> PipelineRun:
        (credited,) = await self._credited((run,))
        return credited

    async def _credited(self, runs: Sequence[PipelineRun]) -> tuple[PipelineRun, ...]:
        unknown = [run.uid for run in runs if run.requester and run.uid not in self._known]
        if unknown:
            if len(self._known) > REMEMBERED:
                self._known.clear()
            self._known.update(await self._started.requesters(unknown))
        return tuple(replace(run, requester=self._known.get(run.uid, "") if run.requester else "") for run in runs)
