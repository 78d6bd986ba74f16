"""Begins what waits to be begun: stories that were written down, wishes whose turn has come, and what broke off."""

import asyncio
import contextlib
from dataclasses import dataclass

import structlog

from bot.domain.errors import DatabaseAway
from bot.promotions.queue import PromotionQueue
from bot.workflow.journal import Engine
from bot.workflow.second_look import SecondLook
from bot.workflow.service import PromotionService

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 30.0
"""between two looks, where nobody says that there is something to begin"""


@dataclass(frozen=True)
class StoryStarter:
    """`begin` is set when a story has been written down and waits to be begun, or when one has ended."""

    service: PromotionService
    engine: Engine
    queue: PromotionQueue
    second_look: SecondLook
    begin: asyncio.Event

    async def run_forever(self) -> None:
        """Until it is cancelled; whatever breaks is logged, and tried again."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self.begin.wait()
            self.begin.clear()
            try:
                await self.look()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception:
                log.exception("stories.not_begun")

    async def look(self) -> None:
        """One round. Raises DatabaseAway."""
        await self.service.resume()
        await self.engine.take_up()
        await self.service.orphans.look()
        await self.second_look.look()
        await self.queue.start_next()
