"""Scans that take time (H12, H14)."""

import asyncio
import uuid
from collections.abc import Callable, Sequence

from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings

from .errors import conflict
from .model import Artifact, Report, Vulnerability
from .oci_config import platform_of
from .vulnerabilities import CRITICAL, usual

PENDING_SECONDS = 0.4
RUNNING_SECONDS = 1.6
LATE_SECONDS = 5.0
"""the news of a scan that failed takes longer (H27)"""

Finished = Callable[[str, Artifact], None]


class Scanner:
    """`on_finish(repository, artifact)` is called at the end of each scan, whatever the end."""

    def __init__(self, clock: Clock, faults: FaultSettings | None, on_finish: Finished) -> None:
        self._clock = clock
        self._faults = faults
        self._on_finish = on_finish
        self._running: dict[str, asyncio.Task[None]] = {}
        self.failing = False

    @property
    def away(self) -> bool:
        """H26: Harbor has noticed that it does not answer."""
        return self._faults is not None and self._faults.now.scanner_away

    def start(self, repository: str, artifact: Artifact) -> None:
        """The old report is deleted at once (H14). Raises HarborError 409 while a scan runs."""
        present = artifact.report
        if present is not None and present.status in ("Pending", "Running"):
            raise conflict(f"a previous scan process is {present.status}")
        artifact.report = Report(str(uuid.uuid4()), "Pending", self._clock.now())
        task = asyncio.create_task(self._scan(repository, artifact, artifact.report))
        self._running[artifact.digest] = task
        task.add_done_callback(lambda _: self._running.pop(artifact.digest, None))

    async def _scan(self, repository: str, artifact: Artifact, report: Report) -> None:
        await self._clock.sleep(PENDING_SECONDS)
        report.status, report.start = "Running", self._clock.now()
        await self._clock.sleep(RUNNING_SECONDS)
        report.end = self._clock.now()
        if self.failing or self._fails(artifact):
            report.status = "Error"
            await self._clock.sleep(LATE_SECONDS)
        else:
            report.vulnerabilities, report.status = self._findings(artifact), "Success"
        self._on_finish(repository, artifact)

    def _fails(self, artifact: Artifact) -> bool:
        platform = self._faults.now.failing_platform if self._faults else ""
        return bool(platform) and platform_of(artifact.manifest) == platform

    def _findings(self, artifact: Artifact) -> Sequence[Vulnerability]:
        found = usual(artifact.digest)
        return (CRITICAL, *found) if self._faults and self._faults.now.critical_cve else found

    def finish_now(self, artifact: Artifact, vulnerabilities: Sequence[Vulnerability] | None = None) -> None:
        """A report that is there at once, for the world's past."""
        self.forget(artifact)
        now = self._clock.now()
        found = usual(artifact.digest) if vulnerabilities is None else vulnerabilities
        artifact.report = Report(str(uuid.uuid4()), "Success", now, now, found)

    def fail_now(self, artifact: Artifact) -> None:
        self.forget(artifact)
        now = self._clock.now()
        artifact.report = Report(str(uuid.uuid4()), "Error", now, now)

    def stop(self, repository: str, artifact: Artifact) -> None:
        """What runs ends as Stopped; what does not run is left alone."""
        report = artifact.report
        if report is not None and report.status in ("Pending", "Running"):
            self._cancel(artifact)
            report.status, report.end = "Stopped", self._clock.now()
            self._on_finish(repository, artifact)

    def forget(self, artifact: Artifact) -> None:
        self._cancel(artifact)
        artifact.report = None

    def _cancel(self, artifact: Artifact) -> None:
        if task := self._running.pop(artifact.digest, None):
            task.cancel()

    async def close(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
