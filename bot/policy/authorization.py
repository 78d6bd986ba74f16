"""May this person do that, there? Asked at the moment of every effect; says who could when the answer is no."""

from collections.abc import Collection, Iterable

from bot.domain import identity
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import NotAllowed
from bot.domain.identity import same_address
from bot.domain.sentence import shortened
from bot.policy.model import Policy, covers
from bot.policy.parts import Binding

MOST = 6
"""names in one sentence"""
EVERY = "*"
"""As a target's app or environment: all of them, which only a binding for all of them gives."""


def authorize(policy: Policy, caller: Caller, permission: Permission, target: Target) -> None:
    """Raises NotAllowed, naming the rule and who could, unless a binding gives the caller this permission there."""
    if may(policy, caller, permission, target):
        return
    raise NotAllowed(f"{_why_not(caller, permission, target)} {_who_helps(policy, caller, permission, target)}")


def may(policy: Policy, caller: Caller, permission: Permission, target: Target) -> bool:
    return any(permission in policy.roles[role] for role in roles_of(policy, caller, target))


def roles_of(policy: Policy, caller: Caller, target: Target) -> frozenset[str]:
    """The roles that the caller holds for a target, by the groups and account state that the directory tells now."""
    if not caller.active:
        return frozenset()
    return frozenset(b.role for b in policy.bindings if binds(b, caller) and covers(b, target.app, target.environment))


def who_could(policy: Policy, permission: Permission, target: Target, without: str = "") -> str:
    """A sentence that names the groups and people who hold the permission there; else those who can give it.

    `without` is the id of somebody whom it helps nothing to ask: the reader, mostly.
    """
    if names := _names(policy, permission, target, without):
        return f"Ask {shortened(names, MOST, 'or')}."
    nobody = "Nobody else holds" if without else "Nobody holds"
    if able := _names(policy, Permission.ADMINISTER, Target(), without):
        return f"{nobody} `{permission}` there: ask {shortened(able, MOST, 'or')} to bind somebody in pilothouse.yaml."
    return f"{nobody} `{permission}` there: bind a role to somebody in pilothouse.yaml."


def who_decides(policy: Policy, roles: Collection[str], target: Target) -> str:
    """A sentence that names the groups and people who hold one of these roles there."""
    names = _named([b for b in policy.bindings if b.role in roles], policy, target)
    return f"Ask {shortened(names, MOST, 'or')}." if names else who_could(policy, Permission.ADMINISTER, Target())


def who_gives_roles(policy: Policy) -> str:
    """The groups and people who may change the policy, "" where nobody is bound to that."""
    return shortened(_names(policy, Permission.ADMINISTER, Target()), MOST, "or")


def _names(policy: Policy, permission: Permission, target: Target, without: str = "") -> list[str]:
    able = [b for b in policy.bindings if permission in policy.roles[b.role]]
    return [name for name in _named(able, policy, target) if name != f"<@{without}>"]


def _named(bindings: Iterable[Binding], policy: Policy, target: Target) -> list[str]:
    covering = [b for b in bindings if covers(b, target.app, target.environment)]
    return list(dict.fromkeys(name for binding in covering for name in policy.roster.names(binding)))


def _who_helps(policy: Policy, caller: Caller, permission: Permission, target: Target) -> str:
    """Somebody without any role needs one before anything else: those who may change the policy give it."""
    giving = who_gives_roles(policy)
    if roles_of(policy, caller, Target()) or not giving:
        return who_could(policy, permission, target)
    return f"Ask {giving} for a role."


def binds(binding: Binding, caller: Caller) -> bool:
    """Whether a binding means this person, wherever it holds."""
    if caller.id in binding.users:
        return True
    if caller.guest or caller.bot or caller.foreign:
        return False  # a group or an address may take them in without anybody deciding it: only their own id counts
    if any(same_address(caller.person.email, email) for email in binding.emails):
        return True
    groups = {identity.group(group) for group in binding.groups} - {""}
    return bool(groups & {identity.group(group) for group in caller.groups if not group.startswith("@")})


def _why_not(caller: Caller, permission: Permission, target: Target) -> str:
    app = "every app" if target.app == EVERY else target.app
    environment = "every environment" if target.environment == EVERY else target.environment
    where = " in ".join(word for word in (app, environment) if word)
    place = f" for {where}" if where else ""
    if not caller.active:
        return "Your account is deactivated."
    if caller.guest or caller.foreign:
        return (
            f"Guests and people of other workspaces have no `{permission}` permission{place} unless policy names them."
        )
    if caller.bot:
        return f"Apps have no `{permission}` permission{place} unless policy names them."
    return f"You do not have the `{permission}` permission{place}."
