"""Which images Argo CD says that it has brought out in an environment."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from bot.domain.application import ApplicationRef
from bot.domain.errors import IntegrationError
from bot.domain.overlay import Overlay, OverlayImage
from bot.overlays.kustomization import KustomizationError, read_images
from bot.policy import Policy
from bot.ports import Applications, OverlaySource

Images = tuple[OverlayImage, ...]


@dataclass(frozen=True)
class Synced:
    """What is remembered of successful syncs (A20: the last ten). `since` (UTC): the oldest; None where unknown."""

    images: frozenset[Images] = frozenset()
    since: datetime | None = None

    def ran(self, images: Images, shown: datetime) -> bool | None:
        """Whether what the overlay showed from then on was synced; None where Argo CD cannot tell."""
        if images in self.images:
            return True
        return False if self.since and shown >= self.since else None


@dataclass(frozen=True)
class SyncHistory:
    applications: Applications
    source: OverlaySource
    policy: Policy

    async def of(self, overlay: Overlay) -> Synced:
        """An Argo CD that does not answer knows nothing: that is not the same as "it never ran"."""
        ref = ApplicationRef(self.policy.application(overlay.app, overlay.environment), overlay.environment)
        try:
            history = (await self.applications.get(ref)).history
        except IntegrationError:
            return Synced()
        revisions = dict.fromkeys(entry.revision for entry in history if entry.revision)
        found = await asyncio.gather(*(self._images(overlay, revision) for revision in revisions))
        times = [entry.deployed_at for entry in history if entry.deployed_at]
        return Synced(frozenset(found) - {()}, min(times, default=None))

    async def _images(self, overlay: Overlay, revision: str) -> Images:
        try:
            contents = await self.source.read([overlay.path], revision)
            return read_images(contents[overlay.path], overlay.path) if overlay.path in contents else ()
        except (IntegrationError, KustomizationError):
            return ()
