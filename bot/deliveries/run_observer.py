"""Pipeline runs as facts: heard from the one watch that run cards are kept by, and from Tekton's CloudEvents."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from bot.deliveries.recorder import Recorder
from bot.domain.build import RunEnded, RunStarted
from bot.domain.delivery import Fact
from bot.domain.errors import DatabaseAway
from bot.domain.image import Reference, is_digest
from bot.domain.pipeline import HELD, PipelineRun, RunStatus
from bot.domain.source import is_revision
from bot.runtime.clock import SYSTEM_CLOCK
from bot.runtime.remembered import forget_oldest

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 5.0
REMEMBERED = 10_000
"""facts that are known to be written: of others, the database knows"""
REASON = 600
"""characters that are kept"""
OBSERVER = "Tekton"
REVISIONS = ("commit", "CHAINS-GIT_COMMIT")
"""results and parameters by which a run names its source commit: ours, and Tekton Chains' own"""
DIGESTS = ("digest", "IMAGE_DIGEST")
IMAGES = ("image", "IMAGE_URL")


@dataclass
class RunObserver:
    """`heard` asks nobody and keeps up with the watch; `record_forever` writes down what was heard.

    What was not written down when the process died is in the watch's next list.
    """

    recorder: Recorder
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now
    _pending: dict[str, Fact] = field(default_factory=dict)
    _written: dict[str, None] = field(default_factory=dict)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, run: PipelineRun) -> None:
        """One state of a run. A run that names no app is nobody's."""
        for fact in facts_of(run, self.clock()) if run.app else ():
            if fact.key not in self._written and fact.key not in self._pending:
                self._pending[fact.key] = fact
                self._heard.set()

    async def record_forever(self) -> None:
        """Until it is cancelled. The database being away does not end it."""
        while True:
            await self._heard.wait()
            try:
                await self.record()
            except DatabaseAway:
                await asyncio.sleep(AGAIN_SECONDS)  # told where it was noticed

    async def record(self) -> int:
        """Write down what was heard; how many facts were not known. Raises DatabaseAway."""
        self._heard.clear()
        some = tuple(self._pending.values())
        try:
            added = await self.recorder.record(some)
        except DatabaseAway:
            self._heard.set()
            raise
        for fact in some:
            self._pending.pop(fact.key, None)
            self._written[fact.key] = None
        forget_oldest(self._written, REMEMBERED)
        self.recorder.seen(OBSERVER)
        return len(added)


def facts_of(run: PipelineRun, now: datetime) -> Iterator[Fact]:
    """That it began, and that it ended: what happened last is in every state that the watch tells."""
    began = run.started_at or run.created_at
    made = int(run.created_at.timestamp()) if run.created_at else 0
    name = f"run:{run.namespace}/{run.name}:{made}"
    revision, source = _revision(run), run.source[:500]
    image = Reference.parse(run.says(IMAGES))
    if began:
        started = RunStarted(run.name, revision, source, run.requester, image.repository[:255])
        yield Fact(f"{name}:began", began, run.app, "", started)
    if not run.done:
        return
    digest = next((run.results[name] for name in DIGESTS if is_digest(run.results.get(name, ""))), "")
    succeeded = run.status is RunStatus.SUCCEEDED
    detail = RunEnded(
        run.name,
        run.status,
        revision,
        source,
        run.requester,
        image.repository[:255],
        image.tag[:128],
        digest or (image.digest if is_digest(image.digest) else ""),
        "" if succeeded else (_failure(run) or run.message or run.reason)[:REASON],
        run.results.get(HELD, "")[:REASON],
        began,
    )
    yield Fact(f"{name}:{run.status}", run.finished_at or now, run.app, "", detail)


def _revision(run: PipelineRun) -> str:
    """The whole id of a commit: a branch is a different one tomorrow."""
    named = (run.says(REVISIONS), run.params.get("revision", ""))
    return next((text for text in named if is_revision(text)), "")


def _failure(run: PipelineRun) -> str:
    """The first task that failed, with what it says of itself."""
    failed = next((task for task in run.tasks if task.status is RunStatus.FAILED), None)
    return f"{failed.name} failed: {failed.message or failed.reason}".rstrip(": ") if failed else ""
