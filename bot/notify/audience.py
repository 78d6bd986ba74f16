"""Who is to hear of it: what notifications ask the policy."""

from bot.domain.caller import Permission
from bot.domain.promotion import Plan
from bot.policy import Policy
from bot.policy.model import covers
from bot.views.words import listed


def approvers(policy: Policy, plan: Plan) -> str:
    """Who may approve, with live mentions where the policy names ids: "<!subteam^S0RELEASE> or @admins"."""
    quorums = plan.approval.quorums
    roles = {role for quorum in quorums for role in (*quorum.roles, *quorum.required)}
    if any(not quorum.roles for quorum in quorums):
        roles |= {role for role, may in policy.roles.items() if Permission.APPROVE in may}
    names: list[str] = []
    for binding in policy.bindings:
        if binding.role in roles and any(covers(binding, app, plan.environment) for app in plan.apps):
            names += [mention_of_group(group) for group in binding.groups]
            names += [f"<@{user}>" for user in binding.users]
            names += binding.emails
    return listed(list(dict.fromkeys(names))[:8], "or")


def mention_of_group(group: str) -> str:
    name = group.removeprefix("@")
    return f"<!subteam^{name}>" if name.startswith("S") and name.isupper() else f"@{name}"
