"""Whoever changes the line that people are asked about makes their question void at once, not at its last vote."""

import asyncio
from dataclasses import dataclass, field

import structlog

from bot.domain.errors import DatabaseAway, UserError
from bot.domain.promotion import Promotion, Stage
from bot.ports import OverlaySource
from bot.promotions.committer import Committer
from bot.promotions.signals import WAKE
from bot.store.promotions import PromotionStore
from bot.workflow.journal import StoryEngine

log = structlog.get_logger(__name__)

EVERY_SECONDS = 15
"""One question to git, and only while people are asked; another process may ask it as well."""


@dataclass
class OverlayWatch:
    """Wakes the stories whose lines have moved: they look themselves, and end. Nothing hangs on it, for a vote and the
    commit look, too.
    """

    store: PromotionStore
    engine: StoryEngine
    source: OverlaySource
    committer: Committer
    _seen: dict[str, str] = field(default_factory=dict)
    """promotion id → the head at which its lines were looked at"""

    async def watch_forever(self) -> None:
        """Until it is cancelled; whatever breaks is logged, and tried again in the next round."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.look()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception as error:  # noqa: BLE001 (git may be away for as long as it likes)
                log.warning("overlays.look_failed", error=str(error))

    async def look(self) -> int:
        """One round; how many were woken. Raises IntegrationError."""
        asked = [p for p in await self.store.all_live() if p.stage is Stage.APPROVAL]
        if not asked:
            return 0
        head = await self.source.head()
        overtaken = [p for p in asked if self._seen.get(p.id) != head and await self._is_overtaken(p)]
        for promotion in overtaken:
            await self.engine.signal(promotion.id, f"{promotion.id}:overtaken:{head}", WAKE)
        self._seen = {promotion.id: head for promotion in asked}
        return len(overtaken)

    async def _is_overtaken(self, promotion: Promotion) -> bool:
        """A line that cannot be read any longer is none that people were shown; and it hides no other one."""
        try:
            return await self.committer.overtaken(promotion) is not None
        except UserError:
            return True
