"""Whose voice, besides their own, somebody speaks with about a promotion."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.authorship import AddressMatch, People, same_person, told_apart
from bot.domain.caller import Caller, Permission, Person, Target
from bot.domain.promotion import Plan, Promotion
from bot.policy import Policy, may, roles_of
from bot.ports import Directory
from bot.store.delegations import DelegationStore


@dataclass(frozen=True)
class ApproverStanding:
    """In which roles somebody speaks, and for which absent people besides themselves."""

    roles: frozenset[str]
    behalf: tuple[Person, ...] = ()


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
        heard = [plan.requester, *(p for a in promotion.approvals for p in (a.approver, *a.behalf))]
        absent = await self.delegations.lenders(caller, self.directory, used)
        targets = targets_of(promotion)
        standings = [standing(self.policy, caller, target, absent) for target in targets]
        lenders = [p for p in standings[0].behalf if all(p in one.behalf for one in standings)]
        lenders = [one for one in lenders if not any(same_person(one, other, self.policy.people) for other in heard)]
        if not promotion.rule.author_approval:
            known = bool(plan.authors) and not plan.authors_unknown
            lenders = [one for one in lenders if known and not_an_author(one, plan, self.policy.people)]
        if not lenders:
            return Lent()
        lending = [one for one in absent if one.person in lenders]
        roles = [standing(self.policy, caller, target, lending).roles for target in targets]
        return Lent(frozenset.intersection(*roles), tuple(lenders))

    async def standing_in(self) -> tuple[str, ...]:
        """The ids of all who stand in for somebody now."""
        return tuple(dict.fromkeys(one.delegate.id for one in await self.delegations.now()))

    async def lenders(self, caller: Caller) -> tuple[Caller, ...]:
        """Whoever may lend the caller anything at all. Raises IntegrationError when the directory cannot tell."""
        return await self.delegations.lenders(caller, self.directory)


def standing(policy: Policy, caller: Caller, target: Target, absent: Iterable[Caller]) -> ApproverStanding:
    """The caller's own roles for a target, and those of the people who are away and named the caller.

    An absent person counts as the workspace knows them now, and only if they could approve there themselves. A delegate
    lends nobody's roles on.
    """
    roles, behalf = roles_of(policy, caller, target), []
    for one in absent:
        if may(policy, one, Permission.APPROVE, target):
            roles |= roles_of(policy, one, target)
            behalf.append(one.person)
    return ApproverStanding(roles, tuple(behalf))


def not_an_author(person: Person, plan: Plan, people: People) -> bool:
    """Whether addresses tell them apart from everybody who wrote it."""
    return all(told_apart(author, person.email, people) is AddressMatch.OTHER for author in plan.authors)


def targets_of(promotion: Promotion) -> tuple[Target, ...]:
    """Each app that goes, in its environment."""
    apps = dict.fromkeys(move.app for move in promotion.moves)
    return tuple(Target(app, promotion.plan.environment) for app in apps)
