"""Whose voice, besides their own, somebody speaks with about a promotion."""

from dataclasses import dataclass

from bot.domain.caller import Caller, Person, Target
from bot.domain.promotion import Promotion
from bot.policy import Policy
from bot.ports import Directory
from bot.store.delegations import DelegationStore


@dataclass(frozen=True)
class Lent:
    """Roles that absent people lend for every app of a promotion, and who they are."""

    roles: frozenset[str] = frozenset()
    behalf: tuple[Person, ...] = ()


@dataclass(frozen=True)
class Delegates:
    delegations: DelegationStore
    policy: Policy
    directory: Directory

    async def lent_to(self, caller: Caller, promotion: Promotion) -> Lent:
        """Nothing from who asked for it, wrote it (where that counts), or has voted: no voice counts twice.

        Raises IntegrationError when the directory cannot tell.
        """
        plan = promotion.plan
        used = {plan.requester.id, *(a.approver.id for a in promotion.approvals)}
        used |= {person.id for approval in promotion.approvals for person in approval.behalf}
        standings = [
            await self.delegations.roles_of(caller, target, self.policy, self.directory, without=used)
            for target in targets_of(promotion)
        ]
        everywhere = [p for p in standings[0].behalf if all(p in standing.behalf for standing in standings)]
        if not plan.approval.author_approval:
            authors = {author.lower() for author in plan.authors}
            everywhere = [one for one in everywhere if one.email and one.email.lower() not in authors]
        if not everywhere:
            return Lent()
        return Lent(frozenset.intersection(*(standing.roles for standing in standings)), tuple(everywhere))


def targets_of(promotion: Promotion) -> tuple[Target, ...]:
    """Each app that goes, in its environment."""
    apps = dict.fromkeys(move.app for move in promotion.moves)
    return tuple(Target(app, promotion.plan.environment) for app in apps)
