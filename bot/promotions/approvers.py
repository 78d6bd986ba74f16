"""Who is asked in person for a promotion, besides the mention on its card."""

import asyncio
from dataclasses import dataclass

import structlog

from bot.domain.caller import Caller, Permission
from bot.domain.errors import IntegrationError, NotFound
from bot.domain.promotion import Promotion
from bot.policy import Binding, Policy
from bot.policy.model import covers
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
                names = [await self._users(binding) for binding in self._bindings(promotion)]
                users = dict.fromkeys(user for found in names for user in found)
                callers = await asyncio.gather(*(self._caller(user) for user in list(users)[:MOST]))
        except TimeoutError:
            log.warning("approvers.late", promotion=promotion.id)
            return ()
        return tuple(caller for caller in callers if caller and self._counts(promotion, caller))

    def _counts(self, promotion: Promotion, caller: Caller) -> bool:
        return not caller.bot and bool(self.eligibility.still_speaks(promotion, caller))

    def _bindings(self, promotion: Promotion) -> list[Binding]:
        """Those that give a role by which somebody may say yes; the asking itself is authorised by `Eligibility`."""
        environment = promotion.plan.environment
        asked = {role for quorum in promotion.rule.quorums for role in (*quorum.roles, *quorum.required)}
        anyone = any(not quorum.roles for quorum in promotion.rule.quorums)
        may = {role for role, permissions in self.policy.roles.items() if Permission.APPROVE in permissions}
        roles = may | asked if anyone else asked
        apps = promotion.apps
        return [b for b in self.policy.bindings if b.role in roles and any(covers(b, app, environment) for app in apps)]

    async def _users(self, binding: Binding) -> list[str]:
        found = list(binding.users)
        for email in binding.emails:
            try:
                found.append((await self.directory.by_email(email)).id)
            except IntegrationError as error:
                _unknown(email, error)
        for name in binding.groups:
            try:
                members = (await self.directory.group(name)).members
            except IntegrationError as error:
                _unknown(name, error)
                continue
            found += sorted(members) if len(members) <= SMALL else []
        return found

    async def _caller(self, user: str) -> Caller | None:
        try:
            return await self.directory.caller(user)
        except IntegrationError as error:
            _unknown(user, error)
            return None


def _unknown(name: str, error: IntegrationError) -> None:
    if not isinstance(error, NotFound):  # `doctor` tells of names that are nobody's
        log.warning("approvers.unknown", name=name, error=str(error))
