"""Who is asked in person for a promotion, besides the mention on its card."""

import asyncio
from dataclasses import dataclass, field

import structlog

from bot.domain.approval import counted
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
"""people who are asked in person for one promotion; the card asks the others, too"""
PATIENCE_SECONDS = 1.0
"""for the directory, while a story waits, and a vote with it"""


@dataclass(frozen=True)
class Found:
    """`complete`: every name was looked up; whom Slack does not know is nobody."""

    people: tuple[Caller, ...]
    complete: bool = True


@dataclass
class _LookUp:
    counting: dict[str, Caller] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)

    def unknown(self, name: str, error: IntegrationError) -> None:
        if not isinstance(error, NotFound):  # `doctor` tells of names that are nobody's
            self.unanswered.append(name)
            log.warning("approvers.unknown", name=name, error=str(error))


@dataclass(frozen=True)
class Approvers:
    """`missed`: the promotions for which somebody could not be looked up in time; `late` is set with it."""

    policy: Policy
    directory: Directory
    eligibility: Eligibility
    missed: set[str] = field(default_factory=set)
    late: asyncio.Event = field(default_factory=asyncio.Event)

    async def in_person(self, promotion: Promotion) -> tuple[Caller, ...]:
        """As many as answer within a second; the others get their copies later (`LateCopies`)."""
        found = await self.find(promotion, PATIENCE_SECONDS)
        if not found.complete:
            self.missed.add(promotion.id)
            self.late.set()
        return found.people

    async def find(self, promotion: Promotion, patience: float) -> Found:
        """Those whose yes would count: bound as persons or in a small group by policy, or standing in for somebody.

        `patience`: seconds. Never raises for Slack: the card asks, too, so whoever cannot be looked up is left out.
        """
        if not self.policy.channels.direct_messages:
            return Found(())
        look, late = _LookUp(), False
        users: tuple[str, ...] = ()
        standing_in = await self.standing_in()
        try:
            async with asyncio.timeout(patience):
                bound = await persons(approving(self.policy, promotion), self.directory, look.unknown, SMALL)
                users = tuple(dict.fromkeys([*bound, *standing_in]))
                await asyncio.gather(*(self._look_up(promotion, user, look) for user in users))
        except TimeoutError:
            late = True
            log.warning("approvers.late", promotion=promotion.id)
        counting = tuple(look.counting[user] for user in users if user in look.counting)
        if len(counting) > MOST:
            log.warning("approvers.too_many", promotion=promotion.id, counting=len(counting), asked=MOST)
        return Found(counting[:MOST], complete=not (late or look.unanswered))

    async def standing_in(self) -> tuple[str, ...]:
        """The ids of all who stand in for somebody now, for whatever it is."""
        return await self.eligibility.standing_in()

    async def _look_up(self, promotion: Promotion, user: str, look: _LookUp) -> None:
        try:
            caller = await self.directory.caller(user)
            if await self._counts(promotion, caller):
                look.counting[user] = caller
        except IntegrationError as error:
            look.unknown(user, error)

    async def _counts(self, promotion: Promotion, caller: Caller) -> bool:
        """A copy names every app of a train, so it is for who may view them all, or decides on them for somebody."""
        if any(caller.id == given.approver.id for given in counted(promotion.approvals, promotion.content_hash)):
            return False
        if caller.bot:
            return False
        if shows_all(self.policy, caller, promotion) and self.eligibility.still_speaks(promotion, caller):
            return True
        lent = await self.eligibility.lent_to(caller, promotion)
        if not lent.behalf or self.eligibility.known(promotion, caller, speaks=True) != promotion.plan.apps:
            return False  # who is away lends a word about what goes, not a look at what is left out
        return bool(self.eligibility.still_speaks(promotion, caller, lent.roles))
