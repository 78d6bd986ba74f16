"""Copies for approvers whom Slack could not name, or who stood in for nobody, while their promotion asked for them."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog

from bot.domain.errors import DatabaseAway
from bot.domain.promotion import Promotion, Stage
from bot.notify.copies import Copies
from bot.promotions.approvers import Approvers
from bot.store.promotions import PromotionStore

log = structlog.get_logger(__name__)

ROUND_SECONDS = 60.0
AGAIN_SECONDS = 5.0
"""after a round in which somebody could not be looked up"""
PATIENCE_SECONDS = 10.0
"""for the directory, in one round and for one promotion; nobody waits for it"""


@dataclass(frozen=True)
class Inquiry:
    """`standing_in`: the ids of those who stood in for somebody when it was asked: who does so later is asked then."""

    content: str
    standing_in: tuple[str, ...]


@dataclass
class LateCopies:
    """What is known here is forgotten with the process: the next one looks at every promotion that waits for people.

    Asked once: who has a copy is asked by that.
    """

    store: PromotionStore
    approvers: Approvers
    copies: Copies
    asked: dict[str, Inquiry] = field(default_factory=dict)
    """promotion → what all of its approvers were asked"""

    async def run_forever(self) -> None:
        """Until it is cancelled; whatever breaks is logged, and tried again."""
        while True:
            complete = True
            try:
                complete = await self.look()
            except DatabaseAway:
                pass  # told where it was noticed
            except Exception:
                log.exception("copies.not_looked")
            if not complete:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self.approvers.late.wait()

    async def look(self) -> bool:
        """One round; whether everybody could be looked up. Raises DatabaseAway."""
        self.approvers.late.clear()
        for missed in self.approvers.missed:
            self.asked.pop(missed, None)
        self.approvers.missed.clear()
        waiting = [one for one in await self.store.all_live() if one.stage is Stage.APPROVAL and not one.phase.final]
        self.asked = {one.id: self.asked[one.id] for one in waiting if one.id in self.asked}
        standing_in = await self.approvers.standing_in()
        questions = {one.id: Inquiry(one.content_hash, standing_in) for one in waiting}
        pending = [one for one in waiting if self.asked.get(one.id) != questions[one.id]]
        return all(await asyncio.gather(*(self._ask(one, questions[one.id]) for one in pending)))

    async def _ask(self, promotion: Promotion, question: Inquiry) -> bool:
        found = await self.approvers.find(promotion, PATIENCE_SECONDS)
        if await self.copies.send_missing(promotion, found.people):
            # Decided meanwhile: what was just put shows that, or is not sent at all.
            now = await self.store.get(promotion.id)
            if now and now != promotion:
                await self.copies.keep(now)
        if found.complete:
            self.asked[promotion.id] = question
        return found.complete
