"""Following every run: two watches, kept alive, tell one WatchedRuns."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from bot.domain.errors import Refused, Unavailable
from bot.domain.pipeline import PipelineRun
from integrations.tekton import wire
from integrations.tekton.cluster import decode
from integrations.tekton.failures import Gone, from_status
from integrations.tekton.manifests import SYSTEM
from integrations.tekton.objects import Objects
from integrations.tekton.watched_runs import WatchedRuns

SHORTEST_WAIT = 0.2
LONGEST_WAIT = 30.0
"""seconds between two tries to reach an API server that is away"""
BACKLOG = 1000
"""runs; beyond it the watches wait"""
GRACE = 60.0
"""seconds that a watch may be away before it counts as lost: servers end watches all the time (K1)"""
KINDS = ("pipelineruns", "taskruns")

log = structlog.get_logger(__name__)
T = TypeVar("T", wire.TektonPipelineRun, wire.TaskRun)
Heard = asyncio.Queue[PipelineRun | Refused]


@dataclass
class Pulse:
    """Whether the watches stand: each has its place in `lost_at`, the time since when it does not, None while it does.

    Nothing has been lost before anybody has listened.
    """

    clock: Callable[[], float] = time.monotonic
    lost_at: dict[str, float | None] = field(default_factory=dict)

    def stands(self, kind: str) -> None:
        self.lost_at[kind] = None

    def broke(self, kind: str) -> None:
        if self.lost_at.get(kind) is None:
            self.lost_at[kind] = self.clock()

    @property
    def alive(self) -> bool:
        return all(since is None or self.clock() - since < GRACE for since in self.lost_at.values())


async def changes(objects: Objects, pulse: Pulse) -> AsyncGenerator[PipelineRun]:
    """Raises Refused when the cluster refuses; an API server that is away is waited for."""
    watched = WatchedRuns()
    heard: Heard = asyncio.Queue(BACKLOG)
    runs = Watch(objects, KINDS[0], wire.TektonPipelineRun, watched.runs_listed, watched.run_changed, heard, pulse)
    children = Watch(objects, KINDS[1], wire.TaskRun, watched.children_listed, watched.child_changed, heard, pulse)
    for kind in KINDS:
        pulse.broke(kind)
    watching = [asyncio.create_task(watch.run()) for watch in (runs, children)]
    try:
        while True:
            news = await heard.get()
            if isinstance(news, Refused):
                raise news
            yield news
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


@dataclass
class Watch(Generic[T]):
    """One kind of object: listed, then watched from there, and listed again when the server lost the thread (K1)."""

    objects: Objects
    plural: str
    model: type[T]
    listed: Callable[[list[T]], list[PipelineRun]]
    changed: Callable[..., list[PipelineRun]]
    heard: Heard
    pulse: Pulse
    version: str = ""
    """of the last event, bookmark or list; "" = list first"""
    wait: float = field(default=SHORTEST_WAIT)

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except Gone:
                self.version = ""
            except Unavailable as error:
                log.warning("tekton.watch_lost", system=SYSTEM, objects=self.plural, detail=str(error))
            except Refused as refusal:
                await self.heard.put(refusal)
                return
            finally:
                self.pulse.broke(self.plural)
            await asyncio.sleep(random.uniform(self.wait / 2, self.wait))  # noqa: S311 (jitter)
            self.wait = min(self.wait * 2, LONGEST_WAIT)

    async def _listen(self) -> None:
        """Until the connection breaks off; a watch that the server ends goes on where it ended."""
        operation = f"watch {self.plural}"
        if not self.version:
            items, version = await self.objects.all(operation, self.plural)
            await self._tell(self.listed([decode(operation, item, self.model) for item in items]))
            self.version = version
        async with self.objects.watch(operation, self.plural, self.version) as events:
            self.pulse.stands(self.plural)
            async for event in events:
                await self._apply(operation, event)
                self.wait = SHORTEST_WAIT

    async def _apply(self, operation: str, event: wire.KubernetesWatchEvent) -> None:
        if event.type == "ERROR":
            status = decode(operation, event.object, wire.KubernetesStatus)
            raise from_status(operation, status.code or 500, bytes(event.object))
        item = decode(operation, event.object, self.model)
        if event.type != "BOOKMARK":
            await self._tell(self.changed(item, deleted=event.type == "DELETED"))
        self.version = item.metadata.resource_version

    async def _tell(self, news: list[PipelineRun]) -> None:
        for run in news:
            await self.heard.put(run)
