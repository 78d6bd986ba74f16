"""Images as facts: Harbor tells of pushes and scans; where it does not, what was just built is asked for its scan.

An event is a hint: what a scan has found is read from the registry.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.deliveries.builds import builds
from bot.deliveries.owners import Owners
from bot.deliveries.recorder import Recorder
from bot.domain.build import Build, ImagePushed, ImageScanned, Pushed
from bot.domain.delivery import Fact
from bot.domain.errors import DatabaseAway, IntegrationError, NotFound, UnknownRegistry
from bot.domain.image import Image
from bot.domain.scan import Scan, ScanStatus
from bot.ports import Registry
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.deliveries import DeliveryStore

log = structlog.get_logger(__name__)

EVERY_SECONDS = 15.0
AWAITED = timedelta(hours=1)
"""since a build's end, in which its scan is asked for without a webhook"""
OBSERVER = "Harbor"
OVER = (ScanStatus.SUCCESS, ScanStatus.ERROR, ScanStatus.STOPPED, ScanStatus.INCOMPLETE)
RUNS = ("run-started", "run-ended", "image-scanned")


@dataclass
class ImageObserver:
    """`stored`, `committed` and `scanned` raise IntegrationError and DatabaseAway: the webhook is worked on again."""

    registry: Registry
    store: DeliveryStore
    recorder: Recorder
    owners: Owners
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now

    async def stored(self, digest: str, repository: str, tag: str, at: datetime | None) -> None:
        """The registry has an image; `repository` without its host. The same digest pushed again is no news."""
        moment = min(at or self.clock(), self.clock())
        apps = await self.owners.of_image(repository)
        detail = ImagePushed(repository, digest, tag)
        await self.recorder.record(Fact(f"image:{digest}:{app}", moment, app, "", detail) for app in apps)

    async def committed(self, push: Pushed, at: datetime | None) -> None:
        """Commits came onto a source repository's default branch."""
        moment = min(at or self.clock(), self.clock())
        apps = await self.owners.of_source(push.repository)
        await self.recorder.record(Fact(f"push:{push.sha}:{app}", moment, app, "", push) for app in apps)

    async def scanned(self, digest: str, repository: str) -> None:
        """A scan is over. Of an index, the digest is one of its platforms' (H27): so its repository is looked at."""
        for build in await self._built(timedelta(days=1), unscanned=False):
            if build.digest == digest or build.repository.partition("/")[2] == repository:
                await self._look(build)

    async def look_forever(self) -> None:
        """Until it is cancelled. Neither the registry nor the database being away ends it."""
        while True:
            with suppress(DatabaseAway):
                await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """At the images that were just built, and whose scan is not known. Raises DatabaseAway."""
        try:
            for build in await self._built(AWAITED, unscanned=True):
                await self._look(build)
        except DatabaseAway:
            raise
        except IntegrationError as error:
            log.info("deliveries.scan_not_read", error=str(error))
            return
        self.recorder.seen(OBSERVER)

    async def _built(self, ago: timedelta, *, unscanned: bool) -> list[Build]:
        since = self.clock() - ago
        known = builds(await self.store.of_kinds(RUNS, since - AWAITED))
        recent = [build for build in known if build.digest and build.ended_at and build.ended_at >= since]
        return [build for build in recent if not (unscanned and build.scan)]

    async def _look(self, build: Build) -> None:
        """An image that is not in our registry has no scan to read; the others are looked at all the same."""
        try:
            scan = await self.registry.scan(Image(build.repository, build.digest, build.tag))
        except (NotFound, UnknownRegistry):
            return
        if scan.status in OVER:
            await self.recorder.record([_fact(build, scan, self.clock())])


def _fact(build: Build, scan: Scan, now: datetime) -> Fact:
    """A rescan is a fact of its own, by when it was over; where nobody says when, by what came of it."""
    at = min(scan.finished_at, now) if scan.finished_at else now
    which = int(at.timestamp()) if scan.finished_at else scan.status
    counts = tuple(sorted(((severity, count) for severity, count in scan.counts.items() if count), reverse=True))
    detail = ImageScanned(build.digest, scan.status, counts, scan.fixable)
    return Fact(f"scan:{build.digest}:{which}:{build.app}", at, build.app, "", detail)
