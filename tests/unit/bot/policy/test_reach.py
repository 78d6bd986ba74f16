"""Who is counted on, and cannot be reached."""

import pytest

from bot.domain.caller import Person, UserGroup
from bot.policy import Roster, parse, unreachable

RELEASE = UserGroup("S0RELEASE", "release-managers", frozenset({"U0BO", "U0MIA"}))
NOBODY = UserGroup("S0EMPTY", "empty", frozenset())
ROSTER = Roster(
    {"@release-managers": RELEASE, "S0RELEASE": RELEASE, "@empty": NOBODY},
    {"U0DEE": Person("U0DEE", "dee"), "dee@example.com": Person("U0DEE", "dee")},
    frozenset({"@gone", "U0GONE", "gone@example.com"}),
)


def found(bindings: str, production: str = "{}", *, roster: Roster | None = None) -> list[str]:
    policy = parse(
        f"environments:\n- {{name: staging}}\n- {{name: production, approval: {production}}}\nbindings:\n{bindings}"
    )
    return [f"{'.'.join(map(str, place))}: {sentence}" for place, sentence in unreachable(policy, roster)]


def test_an_address_of_somebody_who_is_gone_is_nobody() -> None:
    gone = Roster({}, {"gone@example.com": Person("U0GONE", "gone")}, frozenset({"gone@example.com"}))
    policy = parse("bindings: [{role: admin, emails: [gone@example.com]}]\n")
    assert (gone.users(policy.bindings), gone.mentions(policy.bindings[0])) == (frozenset(), [])


@pytest.mark.parametrize(
    ("binding", "place"),
    [
        ("groups: ['@gone']", "bindings.1.groups"),
        ("groups: ['@empty']", "bindings.1.groups"),
        ("users: [U0GONE]", "bindings.1.users"),
        ("emails: [gone@example.com]", "bindings.1.emails"),
        ("groups: ['@release-managers'], users: [U0GONE]", "bindings.1.users"),
    ],
)
def test_a_name_that_nobody_answers_to(binding: str, place: str) -> None:
    told = found(f"- {{role: admin, users: [U0DEE]}}\n- {{role: engineer, {binding}}}\n", roster=ROSTER)
    assert len(told) == 1
    assert told[0].startswith(place)


@pytest.mark.parametrize(
    "approval",
    [
        "{required: [security]}",
        "{roles: [release-manager], required: [security]}",
        "{count: 2, roles: [security]}",
        "{count: 1, roles: [viewer]}",  # who may not approve
        "{count: 3}",
        "{count: 2, roles: [admin]}",
        "{count: 3, roles: [admin], alternatives: [{count: 2, roles: [admin]}]}",
    ],
)
def test_a_rule_that_nobody_can_meet(approval: str) -> None:
    bindings = (
        "- {role: admin, users: [U0DEE]}\n- {role: release-manager, emails: [mia@example.com]}\n"
        "- {role: viewer, users: [U0CY]}\n"
    )
    roles = "roles: {viewer: [view], admin: [view, approve], release-manager: [approve], security: [approve]}\n"
    [told] = found(bindings + roles, approval)
    assert told.startswith("environments.1.approval: environments.production.approval: ")


@pytest.mark.parametrize(
    ("approval", "well"),
    [
        ("{count: 2, roles: [release-manager]}", True),
        ("{count: 3, roles: [release-manager]}", False),
        ("{count: 3}", True),
        ("{count: 4}", False),
        ("{count: 4, alternatives: [{count: 1, roles: [admin]}]}", True),
        ("{count: 0}", True),
    ],
)
def test_people_are_counted_once_the_groups_are_known(approval: str, well: bool) -> None:
    bindings = (
        "- {role: release-manager, groups: [S0RELEASE]}\n- {role: release-manager, groups: ['@release-managers']}\n"
        "- {role: admin, users: [U0DEE], emails: [dee@example.com]}\n"
    )
    assert (found(bindings, approval, roster=ROSTER) == []) == well
    assert found(bindings, approval) == []  # a group may hold anybody


def test_a_binding_elsewhere_does_not_help() -> None:
    bindings = "- {role: release-manager, users: [U0BO], environments: [staging]}\n"
    assert len(found(bindings)) == 1
    assert found(bindings + "- {role: admin, users: [U0DEE]}\n") == []


def test_an_app_of_its_own_rule() -> None:
    policy = parse(
        "apps: {ledger: {environments: {production: {approval: {count: 2}}}}}\n"
        "bindings:\n- {role: admin, users: [U0DEE]}\n- {role: admin, users: [U0BO], apps: [my-app]}\n"
    )
    [(place, _)] = unreachable(policy)
    assert place == ("apps", "ledger", "environments", "production", "approval")
