"""One message for a pipeline run that somebody started: edited, task by task, until the run has ended.

Which runs are followed is written down, and the stream begins with every run as it is: after a restart the messages
catch up by themselves. What was deleted meanwhile is in no stream, so it is looked for.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot.domain.caller import Target
from bot.domain.errors import DatabaseAway, IntegrationError, NotFound
from bot.domain.pipeline import ABSENT, PipelineRun, RunStatus, StepLog
from bot.domain.reply import RunDetail
from bot.notify.messages import Bulletins
from bot.ports import Pipelines, PipelineStream
from bot.store.followed_runs import FollowedRunStore
from bot.views.runs import run_detail

log = structlog.get_logger(__name__)
PAUSE_SECONDS = 15.0
"""before the stream is opened again that the cluster refused, or that broke"""
AGAIN_SECONDS = 1.0
"""between two questions to a database that is away"""
LOOK_SECONDS = 60.0
"""between two looks for followed runs that are gone"""
Explain = Callable[[PipelineRun], Awaitable[tuple[str, StepLog | None]]]
Held = Callable[[PipelineRun], Awaitable[str]]
Built = Callable[[PipelineRun], Awaitable[None]]
Heard = Callable[[PipelineRun], object]
Ended = Callable[[str, str, RunDetail], Awaitable[None]]
"""called with the subject and the channel of the message"""


class RunCards:
    """`explain` says why a failed run failed, with the last lines of its step, and `held` what keeps the pipeline from
    writing its overlay; `built` hears of successes, `ended` of every end, at least once, and `heard` of every
    state of every run, followed or not.
    """

    def __init__(
        self,
        pipelines: Pipelines,
        stream: PipelineStream,
        store: FollowedRunStore,
        bulletins: Bulletins,
        explain: Explain,
        held: Held,
        built: Built,
        heard: Heard,
        ended: Ended,
    ) -> None:
        self._heard = heard
        self._ended = ended
        self._held = held
        self._built = built
        self._pipelines = pipelines
        self._stream = stream
        self._store = store
        self._bulletins = bulletins
        self._explain = explain

    async def follow(self, run: PipelineRun, channel: str) -> None:
        await self._store.follow(run.name, run.uid, channel)
        await self._bulletins.show(subject(run), channel, run_detail(await self._detail(run)), Target(run.app))

    async def keep_forever(self) -> None:
        """Until it is cancelled. Neither the cluster nor the database being away ends it."""
        while True:
            try:
                await self.keep()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception as error:  # noqa: BLE001 (nobody waits for an exception here)
                log.warning("runs.follow_failed", error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)

    async def keep(self) -> None:
        """Every change of every run that is followed, for as long as the stream goes on."""
        async for run in self._stream.changes():
            self._heard(run)
            await self._show_once_known(run)

    async def _show_once_known(self, run: PipelineRun) -> None:
        """The stream waits while the database is away: closed, it would not tell of what is deleted meanwhile."""
        while True:
            try:
                return await self._show(run)
            except DatabaseAway:
                await asyncio.sleep(AGAIN_SECONDS)  # told where it was noticed

    async def look_forever(self) -> None:
        """For followed runs that are gone from the cluster. Neither it nor the database being away ends this."""
        while True:
            try:
                await self.look()
            except DatabaseAway:
                pass  # told where it was noticed
            except IntegrationError as error:
                log.warning("runs.not_looked_for", error=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Ends the message of each followed run that was deleted while nobody watched. Raises IntegrationError."""
        for name in await self._store.all():
            try:
                await self._pipelines.get(name)
            except NotFound:
                # An absent namespace, or Tekton on its way out, looks the same: a list proves that runs can be there.
                await self._pipelines.list("", 1)
                await self._show(_gone(name))

    async def _show(self, run: PipelineRun) -> None:
        followed = await self._store.channels(run.name)
        others = [channel for channel, uid in followed.items() if uid and run.uid and uid != run.uid]
        if mine := [channel for channel in followed if channel not in others]:
            await self._tell(run, mine)
        if others and run.status is not RunStatus.DELETED:
            # That a run is there proves that the other one of its name is not; that it is deleted proves nothing.
            await self._tell(_gone(run.name), others)

    async def _tell(self, run: PipelineRun, channels: Sequence[str]) -> None:
        detail = await self._detail(run)
        shown = run_detail(detail)
        about = Target(run.app) if run.app else None  # of one that is gone nobody knows the app any longer
        for channel in channels:
            await self._bulletins.show(subject(run), channel, shown, about)
        if run.done:
            await self._ended(subject(run), channels[0], detail)
        if run.status is RunStatus.SUCCEEDED:
            await self._built(run)
        if run.done:
            await self._store.forget(run.name, channels)

    async def _detail(self, run: PipelineRun) -> RunDetail:
        held = await self._held(run)
        try:
            return RunDetail(run, *await self._explain(run), held=held)
        except IntegrationError:
            return RunDetail(run, held=held)


def _gone(name: str) -> PipelineRun:
    return PipelineRun(name, "", "", RunStatus.DELETED, message=ABSENT)


def subject(run: PipelineRun) -> str:
    """Short, whatever the run's name is."""
    return f"run-{hashlib.sha256(run.name.encode()).hexdigest()[:40]}"
