"""What no part of a policy can know alone: names that do not exist, words that mean two things."""

from collections import Counter
from collections.abc import Iterator

from bot.domain.authorship import AddressMatch, mailbox, told_apart
from bot.policy.model import Policy
from bot.policy.parts import ApprovalPart, EnvironmentRules
from bot.runtime.mistakes import Place
from bot.runtime.spelling import nearest


def contradictions(policy: Policy) -> Iterator[tuple[Place, str]]:
    """Each one with its place in the file and a sentence that says how to fix it."""
    yield from _ambiguous_environments(policy)
    yield from _unknown_roles(policy)
    yield from _unknown_environments(policy)
    yield from _bad_templates(policy)
    yield from _rejected_images_let_through(policy)
    yield from _people_mistaken(policy)


def _ambiguous_environments(policy: Policy) -> Iterator[tuple[Place, str]]:
    words = Counter(
        word.lower() for part in policy.environments_ for word in dict.fromkeys((part.name, *part.known_as))
    )
    for index, part in enumerate(policy.environments_):
        for word in dict.fromkeys((part.name, *part.known_as)):
            if words[word.lower()] > 1:
                yield ("environments", index), f"{word!r} names two environments: keep it in one"


def _unknown_roles(policy: Policy) -> Iterator[tuple[Place, str]]:
    for place, role in _roles_named(policy):
        if role not in policy.roles:
            yield place, f"there is no role {role!r}.{nearest(role, policy.roles)}"


def _roles_named(policy: Policy) -> Iterator[tuple[Place, str]]:
    for index, binding in enumerate(policy.bindings):
        yield ("bindings", index, "role"), binding.role
    for index, part in enumerate(policy.environments_):
        yield from ((("environments", index, "approval"), role) for role in _roles_of(part.approval))
    for app, own in policy.apps.items():
        for environment, rules in own.environments.items():
            place = ("apps", app, "environments", environment, "approval")
            yield from ((place, role) for role in _roles_of(rules.approval))


def _roles_of(approval: ApprovalPart) -> tuple[str, ...]:
    others = [role for quorum in approval.alternatives or () for role in (*quorum.roles, *quorum.required)]
    return (*(approval.roles or ()), *(approval.required or ()), *others)


def _unknown_environments(policy: Policy) -> Iterator[tuple[Place, str]]:
    names = {part.name for part in policy.environments_}
    for place, environment in _environments_named(policy):
        if environment != "*" and environment not in names:
            yield place, f"there is no environment {environment!r}.{nearest(environment, names)}"


def _environments_named(policy: Policy) -> Iterator[tuple[Place, str]]:
    for index, part in enumerate(policy.environments_):
        yield from ((("environments", index, "backwards_from"), later) for later in part.backwards_from)
    for app, own in policy.apps.items():
        yield from ((("apps", app, "environments", environment), environment) for environment in own.environments)
    for index, binding in enumerate(policy.bindings):
        yield from ((("bindings", index, "environments"), environment) for environment in binding.environments)
    for index, route in enumerate(policy.channels.routes):
        yield from ((("channels", "routes", index, "environments"), environment) for environment in route.environments)


def _bad_templates(policy: Policy) -> Iterator[tuple[Place, str]]:
    templates: tuple[tuple[Place, str], ...] = (
        (("argocd", "application"), policy.argocd.application),
        (("overlays", "path"), policy.overlays.path),
    )
    for place, template in templates:
        try:
            filled = template.format(app="<A>", environment="<E>")
        except (KeyError, IndexError, ValueError):
            filled = ""
        if "<A>" not in filled or "<E>" not in filled:
            yield place, f"{template!r} must contain {{app}} and {{environment}}, and nothing else in braces"


def _rejected_images_let_through(policy: Policy) -> Iterator[tuple[Place, str]]:
    """What somebody rejected cannot be promoted anywhere: no policy says otherwise."""
    for place, rules in rules_written(policy):
        if rules.gates.get("rejected") is False:
            yield (*place, "gates", "rejected"), "this gate cannot be left out: `/unreject` takes a rejection back"
        for way in ("rollback", "break_glass"):
            said = getattr(rules, way)
            if said and "rejected" in said.skip_gates:
                yield (*place, way, "skip_gates"), "`rejected` cannot be skipped: `/unreject` takes a rejection back"


def _people_mistaken(policy: Policy) -> Iterator[tuple[Place, str]]:
    """An address that two people share would clear one of them of the other's work."""
    owners: dict[str, str] = {}
    for owner, others in policy.people.items():
        place = ("people", owner)
        if told_apart(owner, owner) is AddressMatch.UNKNOWN:
            yield place, f"{owner!r} is not an address that Slack confirms: write it as the profile has it"
        for address in (owner, *others):
            if not (known := mailbox(address)):
                yield place, f"{address!r} is nobody's own address: leave it out"
            elif owners.setdefault(known, owner) != owner:
                yield place, f"{address!r} stands under {owners[known]!r} too: keep it under one person"


def rules_written(policy: Policy) -> Iterator[tuple[Place, EnvironmentRules]]:
    """All that a policy says of environments, with its place in the file."""
    yield from ((("environments", index), part) for index, part in enumerate(policy.environments_))
    for app, own in policy.apps.items():
        yield from ((("apps", app, "environments", name), rules) for name, rules in own.environments.items())
