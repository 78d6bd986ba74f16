"""users.* and usergroups.*: who people are and which groups they are in (S7)."""

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Json, SlackUser
from integrations.sandbox.slack.web_api.call import Call, Method


async def info(call: Call) -> Json:
    return {"user": _object(call, call.user())}


async def list_all(call: Call) -> Json:
    page, cursor = call.page(list(call.core.workspace.users.values()), 1000)
    return {
        "members": [_object(call, user) for user in page],
        "cache_ts": int(call.core.clock.now()),
        "response_metadata": {"next_cursor": cursor},
    }


async def lookup_by_email(call: Call) -> Json:
    """A deactivated person is not found by e-mail."""
    email = call.args.required("email").lower()
    found = [u for u in call.core.workspace.users.values() if u.email.lower() == email and not u.deleted]
    if not found:
        raise SlackError("users_not_found")
    return {"user": _object(call, found[0])}


async def list_groups(call: Call) -> Json:
    with_users, with_count = call.args.flag("include_users"), call.args.flag("include_count")
    groups = [g for g in call.core.workspace.groups.values() if not g.disabled or call.args.flag("include_disabled")]
    team = call.core.workspace.team
    return {"usergroups": [wire.group_object(group, team, with_users, with_count) for group in groups]}


async def list_group_users(call: Call) -> Json:
    """Only ids, no paging; a disabled group needs include_disabled (S7)."""
    group = call.core.workspace.groups.get(call.args.required("usergroup"))
    if group is None or (group.disabled and not call.args.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.members)}


def _object(call: Call, user: SlackUser) -> Json:
    workspace = call.core.workspace
    return wire.user_object(user, workspace.team, workspace.app, "users:read.email" in call.scopes)


METHODS = (
    Method("users.info", info, Tier.FOUR, "users:read", json=False),
    Method("users.list", list_all, Tier.TWO, "users:read", json=False),
    Method("users.lookupByEmail", lookup_by_email, Tier.THREE, "users:read.email", json=False),
    Method("usergroups.list", list_groups, Tier.TWO, "usergroups:read", json=False),
    Method("usergroups.users.list", list_group_users, Tier.TWO, "usergroups:read", json=False),
)
