"""Who is asked in person for a promotion, besides the mention on its card."""

import asyncio
from dataclasses import dataclass

import structlog

from bot.domain.caller import Caller
from bot.domain.errors import IntegrationError, NotFound
from bot.domain.promotion import Promotion
from bot.notify.audience import approving, persons
from bot.policy import Policy, shows_all
from bot.ports import Directory
from bot.promotions.eligibility import Eligibility

log = structlog.get_logger(__name__)

SMALL = 10
"""members of a user group whose members are asked one by one"""
MOST = 30
"""people who are asked in person for one promotion"""
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Approvers:
    policy: Policy
    directory: Directory
    eligibility: Eligibility

    async def in_person(self, promotion: Promotion) -> tuple[Caller, ...]:
        """Those whom policy binds as persons, or in a small group, and whose yes would count now.

        Never raises for Slack: the card asks, too, so whoever cannot be looked up now is left out.
        """
        if not self.policy.channels.direct_messages:
            return ()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                users = await persons(approving(self.policy, promotion), self.directory, _unknown, SMALL)
                callers = await asyncio.gather(*(self._caller(user) for user in users[:MOST]))
        except TimeoutError:
            log.warning("approvers.late", promotion=promotion.id)
            return ()
        return tuple(caller for caller in callers if caller and self._counts(promotion, caller))

    def _counts(self, promotion: Promotion, caller: Caller) -> bool:
        """A copy names every app of a train, so it is not for who may view only some of them."""
        sees = not caller.bot and shows_all(self.policy, caller, promotion)
        return sees and bool(self.eligibility.still_speaks(promotion, caller))

    async def _caller(self, user: str) -> Caller | None:
        try:
            return await self.directory.caller(user)
        except IntegrationError as error:
            _unknown(user, error)
            return None


def _unknown(name: str, error: IntegrationError) -> None:
    if not isinstance(error, NotFound):  # `doctor` tells of names that are nobody's
        log.warning("approvers.unknown", name=name, error=str(error))
