"""Somebody's name looks like somebody else's: it gives them nothing.

Policy's bindings, the author's own work, user groups and the directory, each with the tricks that Unicode knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import identity
from bot.domain.caller import Caller, Permission, Person, Target
from bot.domain.errors import DatabaseAway, NotFound, PolicyError
from bot.policy import may, parse
from bot.store.database import Database
from bot.store.group_handles import GroupHandleStore
from integrations.slack import SlackDirectory
from integrations.slack.directory import person
from tests.fakes.databases import create_tables

REAL = "kim.smith@example.com"
LOOK_ALIKES = {
    "KELVIN SIGN": "\u212aim.smith@example.com",
    "dotless i": "k\u0131m.smith@example.com",
    "dotted I": "K\u0130M.smith@example.com",
    "long s": "kim.\u017fmith@example.com",
    "full-width": "\uff4bim.smith@example.com",
    "full-width at": "kim.smith\uff20example.com",
    "zero width space": "kim\u200b.smith@example.com",
    "zero width joiner": "kim.smith\u200d@example.com",
    "soft hyphen": "kim.smi\u00adth@example.com",
    "right-to-left mark": "\u200fkim.smith@example.com",
    "byte order mark": "\ufeffkim.smith@example.com",
    "Cyrillic i": "k\u0456m.smith@example.com",
    "Greek domain": "kim.smith@ex\u03b1mple.com",
    "Cyrillic domain": "kim.smith@\u0435xample.com",
    "ideographic full stop": "kim.smith@example\u3002com",
    "one dot leader": "kim\u2024smith@example.com",
    "combining dot": "kim.smith\u0307@example.com",
    "blank before": " kim.smith@example.com",
    "blank behind": "kim.smith@example.com ",
    "no-break space": "kim.smith@example.com\u00a0",
    "line break": "kim.smith@example.com\n",
    "NUL": "kim.smith@example.com\x00",
    "dot at the end": "kim.smith@example.com.",
    "two dots": "kim.smith@example..com",
    "two ats": "kim.smith@example.com@evil.example.org",
    "plus address": "kim.smith+x@example.com",
    "no dot": "kimsmith@example.com",
    "quoted": '"kim.smith"@example.com',
    "in brackets": "<kim.smith@example.com>",
    "with a comment": "kim.smith(x)@example.com",
    "two addresses": "kim.smith@example.com,eve@example.com",
    "other domain": "kim.smith@example.com.evil.example.org",
    "subdomain": "kim.smith@mail.example.com",
    "nothing": "",
}
SAME = ["kim.smith@example.com", "Kim.Smith@Example.COM", "KIM.SMITH@EXAMPLE.COM"]
BINDING = "bindings: [{{role: release-manager, emails: ['{0}']}}]"


def somebody(email: str = "", groups: tuple[str, ...] = (), **more: Any) -> Caller:
    return Caller(Person("U1", "Kim", email), "T1", frozenset(groups), **more)


@pytest.mark.parametrize("trick", LOOK_ALIKES)
def test_an_address_that_looks_like_a_manager_gives_nothing(trick: str) -> None:
    policy = parse(BINDING.format(REAL))
    assert not may(policy, somebody(LOOK_ALIKES[trick]), Permission.APPROVE, Target("my-app", "production"))


@pytest.mark.parametrize("written", SAME)
def test_letters_of_either_case_are_the_same_address(written: str) -> None:
    for bound in SAME:
        policy = parse(BINDING.format(bound))
        assert may(policy, somebody(written), Permission.APPROVE, Target("my-app", "production"))


@pytest.mark.parametrize("one", ["stra\u00dfe@example.com", "j\u00f6rg@example.com", "\u0130da@example.com"])
@pytest.mark.parametrize("other", ["strasse@example.com", "STRASSE@example.com", "jorg@example.com", "ida@example.com"])
def test_letters_outside_ascii_are_not_their_neighbours(one: str, other: str) -> None:
    assert not identity.same_address(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("\u00c9va@example.com", "\u00e9va@example.com"), ("\u03a3@example.com", "\u03c3@example.com")]
)
def test_only_letters_of_ascii_have_two_cases(one: str, other: str) -> None:
    assert identity.same_address(one, one)
    assert not identity.same_address(one, other)


def test_one_letter_written_in_two_ways_is_one() -> None:
    assert identity.same_address("jo\u0308rg@example.com", "j\u00f6rg@EXAMPLE.com")


@pytest.mark.parametrize("nothing", ["", "kim", "@", "kim@", "@example.com", "kim@exam ple.com", "kim@-x.com"])
def test_what_is_no_address_is_nobodys(nothing: str) -> None:
    assert not identity.same_address(nothing, nothing)


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_the_same_differs_in_nothing_but_case_of_ascii(one: str, other: str) -> None:
    if identity.same_address(one, other):
        assert identity.address(one) == identity.address(other)
    assert identity.address(identity.address(one)) == identity.address(one)


@given(st.sampled_from(SAME), st.integers(0, 20), st.characters(min_codepoint=0x80))
def test_no_character_outside_ascii_goes_into_an_address_unseen(written: str, at: int, character: str) -> None:
    for changed in (written[:at] + character + written[at:], written[:at] + character + written[at + 1 :]):
        assert not identity.same_address(REAL, changed)


# User groups.

GROUPS = "bindings: [{{role: release-manager, groups: ['{0}']}}]"


@pytest.mark.parametrize(
    ("bound", "held", "allowed"),
    [
        ("S0RELEASE", ("S0RELEASE", "release-managers"), True),
        ("S0RELEASE", ("S0EVIL", "release-managers"), False),
        ("S0RELEASE", ("S0EVIL", "s0release"), False),
        ("S0RELEASE", ("S0EVIL", "@S0RELEASE"), False),
        ("S0RELEASE", ("S0RELEASE2",), False),
        ("@S0RELEASE", ("S0RELEASE", "release-managers"), False),
        ("@S0RELEASE", ("S0EVIL", "@S0RELEASE"), False),
        ("@release-managers", ("S0RELEASE", "release-managers"), True),
        ("release-managers", ("S0RELEASE", "release-managers"), True),
        ("@release-managers", ("S0EVIL", "Release-Managers"), False),
        ("@release-managers", ("S0EVIL", "release-managers\u200b"), False),
        ("@release-managers", ("S0EVIL", "release\u2010managers"), False),
        ("@release-managers", ("S0EVIL", "rel\u0435ase-managers"), False),
        ("@release-managers", ("S0EVIL", "release-managers "), False),
        ("@release-managers", ("S0EVIL", "\uff52elease-managers"), False),
        ("@release-managers", ("S0EVIL", ""), False),
    ],
)
def test_a_group_is_its_id(bound: str, held: tuple[str, ...], allowed: bool) -> None:
    policy = parse(GROUPS.format(bound))
    assert may(policy, somebody(groups=held), Permission.APPROVE, Target("my-app", "production")) is allowed


class Workspace:
    """Slack's answers about user groups, which people may rename."""

    def __init__(self) -> None:
        self.groups: list[dict[str, Any]] = [
            {"id": "S0RELEASE", "handle": "release-managers", "users": ["U0BO"]},
            {"id": "S0EVE", "handle": "eve", "users": ["U0EVE"]},
        ]
        self.email = "bo@example.com"

    async def read(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        if method == "usergroups.list":
            return {"usergroups": [dict(group) for group in self.groups]}
        if method == "auth.test":
            return {"team_id": "T1"}
        user = arguments.get("user", "U0EVE")
        return {"user": {"id": user, "team_id": "T1", "name": "x", "profile": {"email": self.email}}}


@pytest.fixture
def workspace() -> Workspace:
    return Workspace()


@pytest.fixture
def directory(workspace: Workspace) -> SlackDirectory:
    return SlackDirectory(workspace, fresh=0.0)  # type: ignore[arg-type]


async def test_a_group_that_takes_over_a_handle_gives_nothing(workspace: Workspace, directory: SlackDirectory) -> None:
    """The managers' group is renamed, and eve's takes its handle: nothing of theirs is hers."""
    assert "release-managers" in (await directory.caller("U0BO")).groups
    workspace.groups[0]["handle"] = "managers"
    workspace.groups[1]["handle"] = "release-managers"
    assert (await directory.caller("U0EVE")).groups == {"S0EVE"}
    assert (await directory.caller("U0BO")).groups == {"S0RELEASE", "managers"}
    with pytest.raises(NotFound):
        await directory.members("@release-managers")
    assert await directory.members("S0RELEASE") == {"U0BO"}


@dataclass
class Pinned:
    """What all replicas and every start share; away at times."""

    kept: dict[str, str] = field(default_factory=dict)
    away: bool = False

    async def first(self, seen: Mapping[str, str]) -> Mapping[str, str]:
        if self.away:
            raise DatabaseAway("be written", "it is locked")
        return {handle: self.kept.setdefault(handle, id) for handle, id in seen.items()}


async def test_a_handle_that_was_taken_over_while_no_process_ran_gives_nothing(workspace: Workspace) -> None:
    """Or while another replica looked: what is pinned is not in one process's memory."""
    pins = Pinned()
    before = SlackDirectory(workspace, fresh=0.0, pins=pins)  # type: ignore[arg-type]
    assert "release-managers" in (await before.caller("U0BO")).groups
    workspace.groups[0]["handle"] = "managers"
    workspace.groups[1]["handle"] = "release-managers"
    after = SlackDirectory(workspace, fresh=0.0, pins=pins)  # type: ignore[arg-type]
    assert (await after.caller("U0EVE")).groups == {"S0EVE"}
    with pytest.raises(NotFound):
        await after.members("@release-managers")


async def test_a_handle_that_cannot_be_looked_up_gives_nothing_until_it_can(workspace: Workspace) -> None:
    pins = Pinned(away=True)
    directory = SlackDirectory(workspace, fresh=0.0, pins=pins)  # type: ignore[arg-type]
    assert (await directory.caller("U0BO")).groups == {"S0RELEASE"}
    pins.away = False
    assert (await directory.caller("U0BO")).groups == {"S0RELEASE", "release-managers"}


async def test_the_first_group_keeps_a_handle_on_every_replica(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await create_tables(database)
    one, other = GroupHandleStore(database), GroupHandleStore(database)
    assert await one.first({"release-managers": "S0RELEASE", "eve": "S0EVE"}) == {
        "release-managers": "S0RELEASE",
        "eve": "S0EVE",
    }
    assert await other.first({"release-managers": "S0EVE"}) == {"release-managers": "S0RELEASE"}
    assert await other.first({}) == {}
    await database.close()


async def test_a_handle_that_a_second_group_gets_gives_nothing_any_more(
    workspace: Workspace, directory: SlackDirectory
) -> None:
    assert "release-managers" in (await directory.caller("U0BO")).groups
    workspace.groups[1]["handle"] = "release-managers"
    assert (await directory.caller("U0BO")).groups == {"S0RELEASE"}
    assert (await directory.caller("U0EVE")).groups == {"S0EVE"}


async def test_a_handle_that_two_groups_have_gives_nothing(workspace: Workspace, directory: SlackDirectory) -> None:
    workspace.groups[1]["handle"] = "release-managers"
    assert (await directory.caller("U0EVE")).groups == {"S0EVE"}
    assert (await directory.caller("U0BO")).groups == {"S0RELEASE"}


@pytest.mark.parametrize("handle", ["S0RELEASE", "@S0RELEASE", "", None, 5, "release managers", "rel\u200bease"])
async def test_a_handle_that_is_none(workspace: Workspace, directory: SlackDirectory, handle: object) -> None:
    workspace.groups[1]["handle"] = handle
    assert (await directory.caller("U0EVE")).groups == {"S0EVE"}
    assert await directory.members("S0RELEASE") == {"U0BO"}


async def test_slack_finds_somebody_else_by_the_address(workspace: Workspace, directory: SlackDirectory) -> None:
    """It matches loosely; who is meant is the one whose address it is."""
    workspace.email = "kim@example.com"
    assert (await directory.by_email("Kim@example.com")).id == "U0EVE"
    for asked in ("\u212aim@example.com", "kim@example.com.", "kim+x@example.com", "bo@example.com"):
        with pytest.raises(NotFound):
            await directory.by_email(asked)


# Workspaces.

USER: dict[str, Any] = {"id": "U1", "team_id": "T2", "name": "eve", "profile": {}}


@pytest.mark.parametrize(
    ("teams", "said", "foreign"),
    [
        (["T1", "T2"], "T2", False),
        (["T1", "T2"], "T1", False),
        (["T1", "T2"], "", False),
        (["T1", "T2"], "T3", True),
        (["T2"], "T2", True),
        (["T2"], "T1", True),
        ([], "T1", True),
        (None, "T1", True),
        ("T1", "T1", True),
        ({"T1": 1}, "T1", True),
    ],
)
def test_a_person_of_a_grid_is_at_home_in_its_listed_workspaces(teams: object, said: str, foreign: bool) -> None:
    """S8: `enterprise_user.teams` lists them; what is not known is refused."""
    user = {**USER, "enterprise_user": {"teams": teams}}
    assert person(user, frozenset(), "T1", said).foreign is foreign
    assert person({**user, "is_stranger": True}, frozenset(), "T1", said).foreign
    assert person(user, frozenset(), "", said).foreign


def test_a_guest_is_bound_by_nothing_but_their_own_id() -> None:
    policy = parse(BINDING.format(REAL))
    changes: list[dict[str, Any]] = [{"guest": True}, {"foreign": True}, {"bot": True}, {"active": False}]
    for change in changes:
        kim = replace(somebody(REAL), **change)
        assert not may(policy, kim, Permission.APPROVE, Target("my-app", "production"))


@pytest.mark.parametrize("bound", ["\u212aim@example.com", "kim", "kim@example.com.", "kim @example.com"])
def test_policy_that_names_what_is_no_address_is_refused(bound: str) -> None:
    with pytest.raises(PolicyError, match="address"):
        parse(BINDING.format(bound))
