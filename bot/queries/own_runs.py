"""Pipeline runs, with a requester only where Pilothouse has started them for one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from bot.domain.errors import DatabaseAway
from bot.domain.pipeline import CancelMode, PipelineRun, RunRequest, StepLog
from bot.ports import PipelineRuns
from bot.runtime.remembered import forget_oldest
from bot.store.started_runs import StartedRunStore

REMEMBERED = 1000
"""runs whose requester is kept in memory: the watch tells of each many times"""

PAUSE_SECONDS = 1.0
"""between two questions to a database that is away"""


class OwnRuns(PipelineRuns):
    """Who may write a PipelineRun can write anybody's id on it, and delete one to make another of its name: neither
    credits nor mentions anybody.

    `clock` counts seconds since the epoch. Raises what `runs` raises, and all but `changes` DatabaseAway.
    """

    def __init__(
        self,
        runs: PipelineRuns,
        started: StartedRunStore,
        clock: Callable[[], float],
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._runs = runs
        self._started = started
        self._clock = clock
        self._pause = pause
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
            yield await self._once_known(run)

    async def _once_known(self, run: PipelineRun) -> PipelineRun:
        """Heard later while the database is away: a run that is deleted meanwhile is told no second time."""
        while True:
            try:
                return await self._one(run)
            except DatabaseAway:
                await asyncio.sleep(self._pause)  # told where it was noticed

    async def _noted(self, run: PipelineRun, request: RunRequest) -> PipelineRun:
        """A process that dies before this is asked again, and gets the run that it made."""
        await self._started.note(run.uid, request.requester, self._clock())
        return await self._one(run)

    async def _one(self, run: PipelineRun) -> PipelineRun:
        (credited,) = await self._credited((run,))
        return credited

    async def _credited(self, runs: Sequence[PipelineRun]) -> tuple[PipelineRun, ...]:
        asked = [run.uid for run in runs if run.requester]
        known = {uid: self._known[uid] for uid in asked if uid in self._known}
        if unknown := [uid for uid in asked if uid not in known]:
            found = await self._started.requesters(unknown)
            known |= found
            self._known |= found
            forget_oldest(self._known, REMEMBERED)
        return tuple(replace(run, requester=known.get(run.uid, "") if run.requester else "") for run in runs)
