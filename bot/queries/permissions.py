"""What somebody may do, and why."""

from bot.domain.caller import Caller, Permission, Target
from bot.domain.reply import Abilities, Ability, Grant, Identity
from bot.policy import Policy, roles_of, who_could, who_gives_roles
from bot.policy.authorization import binds
from bot.store.delegations import DelegationStore


class Permissions:
    def __init__(self, policy: Policy, delegations: DelegationStore) -> None:
        self._policy = policy
        self._delegations = delegations

    async def identity(self, caller: Caller) -> Identity:
        """Every binding that holds for the caller now, and who lends them their voice."""
        policy = self._policy
        mine = [binding for binding in policy.bindings if caller.active and binds(binding, caller)]
        grants = [Grant(b.role, b.apps, b.environments, policy.roles[b.role]) for b in mine]
        return Identity(caller, tuple(grants), await self._delegations.absent_for(caller.id), who_gives_roles(policy))

    def abilities(self, caller: Caller, app: str, environment: str) -> Abilities:
        """Every permission: which role gives it there, or who could."""
        target = Target(app, environment)
        held = sorted(roles_of(self._policy, caller, target))
        return Abilities(app, environment, tuple(self._ability(one, held, target) for one in Permission))

    def _ability(self, permission: Permission, held: list[str], target: Target) -> Ability:
        roles = tuple(role for role in held if permission in self._policy.roles[role])
        return Ability(permission, roles, "" if roles else who_could(self._policy, permission, target))
