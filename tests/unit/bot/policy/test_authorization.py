"""Permissions hang on the account as the directory knows it now, and fail closed."""

from dataclasses import replace

import pytest

from bot.domain.caller import Caller, Permission, Person, Target, UserGroup
from bot.domain.errors import NotAllowed
from bot.policy import EVERY, Policy, Roster, authorize, may, parse, roles_of, who_could, who_decides, who_gives_roles
from tests.sentences import says

POLICY = parse("""
bindings:
  - {role: engineer, groups: ["@engineers"], environments: [development, staging]}
  - {role: release-manager, groups: [S0RELEASE], apps: [my-app]}
  - {role: viewer, users: [U0GUS]}
  - {role: admin, emails: [Dee@Example.com]}
""")
ANA = Caller(Person("U0ANA", "ana", "ana@example.com"), "T1", frozenset({"S0ENG", "engineers"}))
BO = Caller(Person("U0BO", "bo", "bo@example.com"), "T1", frozenset({"S0RELEASE", "release-managers"}))
DEE = Caller(Person("U0DEE", "dee", "dee@example.com"), "T1")
PROD = Target("my-app", "production")


def test_a_role_holds_where_its_binding_says() -> None:
    assert may(POLICY, ANA, Permission.PROMOTE, Target("my-app", "staging"))
    assert not may(POLICY, ANA, Permission.PROMOTE, PROD)
    assert may(POLICY, BO, Permission.APPROVE, PROD)
    assert not may(POLICY, BO, Permission.APPROVE, Target("payments", "production"))
    assert may(POLICY, DEE, Permission.BREAK_GLASS, Target("payments", "production"))


def test_a_refusal_names_the_permission_the_place_and_who_could() -> None:
    with pytest.raises(NotAllowed) as told:
        authorize(POLICY, ANA, Permission.APPROVE, PROD)
    assert says(
        told.value.sentence, "`approve` permission", "my-app in production", "<!subteam^S0RELEASE> or Dee@Example.com"
    )


@pytest.mark.parametrize("flag", ["guest", "bot", "foreign"])
def test_guests_apps_and_other_workspaces_count_only_when_named_by_id(flag: str) -> None:
    odd = {flag: True}
    assert not roles_of(POLICY, replace(BO, **odd), PROD)  # type: ignore[arg-type]
    assert not roles_of(POLICY, replace(DEE, **odd), PROD)  # type: ignore[arg-type]
    gus = Caller(Person("U0GUS", "gus"), "T1", **odd)  # type: ignore[arg-type]
    assert roles_of(POLICY, gus, PROD) == {"viewer"}


def test_a_deactivated_account_may_nothing_even_when_named() -> None:
    gone = Caller(Person("U0GUS", "gus"), "T1", active=False)
    assert not roles_of(POLICY, gone, PROD)
    with pytest.raises(NotAllowed, match="deactivated"):
        authorize(POLICY, gone, Permission.VIEW, PROD)


def test_an_empty_address_matches_no_binding() -> None:
    assert not roles_of(parse("bindings: [{role: admin, emails: ['']}]"), Caller(Person("U1", "x"), "T1"), PROD)


def test_without_bindings_nobody_may_anything() -> None:
    with pytest.raises(NotAllowed, match="bind a role to somebody"):
        authorize(parse(""), DEE, Permission.VIEW, PROD)


def test_a_word_about_everything_takes_a_binding_for_everything() -> None:
    everywhere = Target(EVERY, "production")
    assert may(POLICY, DEE, Permission.LOCK, everywhere)
    assert may(POLICY, BO, Permission.LOCK, PROD)
    assert not may(POLICY, BO, Permission.LOCK, everywhere)
    assert not may(POLICY, ANA, Permission.LOCK, Target("my-app", EVERY))


HELP = """
bindings:
  - {role: engineer, groups: ["@engineers"]}
  - {role: release-manager, groups: [S0EMPTY], users: [U0BO]}
  - {role: admin, users: [U0DEE]}
roles:
  engineer: [view, promote]
  release-manager: [view, approve]
  auditor: [view, freeze]
  admin: [view, administer]
"""


def helped() -> Policy:
    policy = parse(HELP)
    empty = UserGroup("S0EMPTY", "release-managers", frozenset())
    policy.learn(Roster(groups={"S0EMPTY": empty}))
    return policy


@pytest.mark.parametrize(
    ("permission", "without", "sentence"),
    [
        (Permission.APPROVE, "", "Ask <@U0BO>."),  # the group is empty: nobody is there to be asked
        (
            Permission.APPROVE,
            "U0BO",
            "Nobody else holds `approve` there: ask <@U0DEE> to bind somebody in pilothouse.yaml.",
        ),
        (Permission.FREEZE, "", "Nobody holds `freeze` there: ask <@U0DEE> to bind somebody in pilothouse.yaml."),
        (
            Permission.ADMINISTER,
            "U0DEE",
            "Nobody else holds `administer` there: bind a role to somebody in pilothouse.yaml.",
        ),
    ],
)
def test_whom_a_refusal_names_is_there_and_can_help(permission: Permission, without: str, sentence: str) -> None:
    assert who_could(helped(), permission, Target("my-app", "production"), without) == sentence


def test_roles_are_named_by_the_people_who_hold_them() -> None:
    target = Target("my-app", "production")
    assert who_decides(helped(), ["release-manager"], target) == "Ask <@U0BO>."
    assert who_decides(helped(), ["auditor"], target) == "Ask <@U0DEE>.", "nobody holds it: an administrator gives it"
    assert who_gives_roles(helped()) == "<@U0DEE>"
    assert who_gives_roles(parse("")) == ""
