"""Can everybody be reached whom a policy counts on? Pure: the roster says who answers to its names."""

from collections.abc import Iterable, Iterator

from bot.domain.caller import Permission
from bot.domain.event import OF_RUNS
from bot.domain.promotion import ApprovalRule, Quorum
from bot.domain.sentence import listed
from bot.domain.slack_id import is_user
from bot.policy.model import Policy, covers
from bot.policy.parts import Binding
from bot.policy.roster import Roster
from bot.runtime.mistakes import Place


def unreachable(policy: Policy, roster: Roster | None = None) -> Iterator[tuple[Place, str]]:
    """Each with its place in the file. Without a `roster` groups may hold anybody, and names are taken as they are.

    A policy that binds nobody lets nobody ask for anything: `ineffective` says so.
    """
    if not policy.bindings:
        return
    if roster:
        yield from _names_of_nobody(policy, roster)
    told: set[str] = set()
    for place, where, app, environment, rule in _rules(policy):
        for sentence in _short_of_people(policy, roster, app, environment, rule):
            if sentence not in told:
                told.add(sentence)
                yield place, f"{where}: {sentence}"


def ineffective(policy: Policy) -> Iterator[tuple[Place, str]]:
    """Warnings: bindings by which nobody gets anything, and routes that hear of nothing; each with its place in the
    file.
    """
    if not policy.bindings:
        yield ("bindings",), "nobody holds a role, so every command is refused. Give people roles under `bindings`."
    for index, binding in enumerate(policy.bindings):
        if wrong := [name for name in binding.users if not is_user(name)]:
            names = ", ".join(f"`{name}`" for name in wrong)
            yield (
                ("bindings", index, "users"),
                f"{names}: not a Slack user id (U0123456789), so nobody is a {binding.role} by it. "
                "Copy the member ID from the person's Slack profile, or put their address under `emails`.",
            )
    yield from _routes_without_effect(policy)


def _routes_without_effect(policy: Policy) -> Iterator[tuple[Place, str]]:
    first = policy.environments[0].name
    for index, route in enumerate(policy.channels.routes):
        named = [f"`{event}`" for event in OF_RUNS if event in route.events]
        if named and not covers(route, "", first):
            yield (
                ("channels", "routes", index, "environments"),
                f"pipelines write {first}, and this route leaves it out, so {route.channel} never hears of "
                f"{listed(named, 'or')}. Add {first} to its `environments`, or give these events a route of their own.",
            )


def _names_of_nobody(policy: Policy, roster: Roster) -> Iterator[tuple[Place, str]]:
    for index, binding in enumerate(policy.bindings):
        named = (
            ("groups", "user group", binding.groups),
            ("users", "active user", binding.users),
            ("emails", "active user with the address", binding.emails),
        )
        for key, kind, names in named:
            for name in names:
                if name in roster.missing:
                    yield ("bindings", index, key), f"Slack has no {kind} {name}: nobody is a {binding.role} by it"
                elif key == "groups" and not roster.users([_only(binding, name)]):
                    yield ("bindings", index, key), f"the user group {name} is empty: nobody is a {binding.role} by it"


def _only(binding: Binding, group: str) -> Binding:
    return binding.model_copy(update={"groups": (group,), "users": (), "emails": ()})


def _rules(policy: Policy) -> Iterator[tuple[Place, str, str, str, ApprovalRule]]:
    for index, part in enumerate(policy.environments_):
        place: Place = ("environments", index, "approval")
        yield place, f"environments.{part.name}.approval", "", part.name, policy.rules("", part.name).approval()
    for app, own in policy.apps.items():
        for environment in own.environments:
            place = ("apps", app, "environments", environment, "approval")
            rule = policy.rules(app, environment).approval()
            yield place, f"{app}.{environment}.approval", app, environment, rule


def _short_of_people(
    policy: Policy, roster: Roster | None, app: str, environment: str, rule: ApprovalRule
) -> Iterator[str]:
    """Nothing when one of the quorums can be met: any of them is enough."""
    found = [_missing(policy, roster, app, environment, quorum) for quorum in rule.quorums]
    if all(found):
        yield found[0]


def _missing(policy: Policy, roster: Roster | None, app: str, environment: str, quorum: Quorum) -> str:
    """What keeps a quorum from ever being met, "" when nothing does."""
    holders = _bindings(policy, app, environment, _approving(policy))
    for role in quorum.required:
        if not _people(roster, _bindings(policy, app, environment, {role})):
            return f"an approver must be {role}, and nobody is: bind somebody to it"
    wanted = _bindings(policy, app, environment, {*quorum.roles, *quorum.required}) if quorum.roles else holders
    able = _both(roster, holders, wanted)
    if able is not None and len(able) < quorum.count:
        people = "one person" if len(able) == 1 else f"{len(able)} people" if able else "nobody"
        asked = listed(quorum.roles, "or") or "any role that may approve"
        needed = "an approval" if quorum.count == 1 else f"{quorum.count} approvals"
        return f"it takes {needed} from {asked}, and {people} can give one: bind more people, or ask for fewer"
    return ""


def _approving(policy: Policy) -> set[str]:
    return {role for role, may in policy.roles.items() if Permission.APPROVE in may}


def _bindings(policy: Policy, app: str, environment: str, roles: Iterable[str]) -> list[Binding]:
    wanted = set(roles)
    return [b for b in policy.bindings if b.role in wanted and covers(b, app, environment)]


def _people(roster: Roster | None, bindings: list[Binding]) -> bool:
    return bool(bindings if roster is None else roster.users(bindings))


def _both(roster: Roster | None, holders: list[Binding], wanted: list[Binding]) -> frozenset[str] | None:
    """Who is in both; None where groups may hold anybody."""
    if roster is not None:
        return roster.users(holders) & roster.users(wanted)
    if holders and wanted and any(binding.groups for binding in [*holders, *wanted]):
        return None
    return frozenset(_named(holders) & _named(wanted))


def _named(bindings: list[Binding]) -> set[str]:
    return {name for binding in bindings for name in (*binding.users, *binding.emails)}
