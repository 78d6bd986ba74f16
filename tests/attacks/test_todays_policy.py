"""Policy changes while a promotion waits: at the effect the stricter of both holds, and the card says so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.approval import quorum, stricter
from bot.domain.caller import Person
from bot.domain.promotion import Approval, ApprovalRule, Phase, Quorum, Stage
from bot.evaluation.panel import Panel
from bot.policy import parse
from bot.workflow.story import Story
from tests.fakes.world import POLICY, House, house

PLAIN = POLICY + "environments: [{name: development}, {name: staging}, {name: production%s}]\n"
LAX = PLAIN % ""


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, LAX) as built:
        yield built


async def reload(home: House, text: str) -> None:
    """Policy is read at the start of the process, and only then."""
    policy = parse(text)
    old = home.service.orphans.steps
    panel = Panel(old.panel._gates.values(), policy)
    eligibility = type(old.eligibility)(policy, old.eligibility._delegates)
    object.__setattr__(home.service, "policy", policy)
    object.__setattr__(home.service, "eligibility", eligibility)
    await home.engine.restart(Story(replace(old, policy=policy, panel=panel, eligibility=eligibility), policy))


TIGHTER = {
    "two instead of one": (", approval: {count: 2}", ["bo"], ["bo", "mia"]),
    "another role": (", approval: {count: 1, roles: [admin]}", ["bo"], ["dee"]),
    "a role that must be among them": (", approval: {count: 1, required: [admin]}", ["bo"], ["dee"]),
}


@pytest.mark.parametrize("what", TIGHTER)
async def test_what_was_tightened_while_it_waited_voids_and_holds(home: House, what: str) -> None:
    text, before, after = TIGHTER[what]
    asked = await home.deploy("ana")
    await reload(home, PLAIN % text)
    for who in before:
        await home.approve(who, asked)
    waiting = await home.now(asked)
    assert (waiting.stage, home.promotion_commits()) == (Stage.APPROVAL, [])
    assert "policy asks for more" in waiting.voided
    for who in after:
        await home.approve(who, asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_what_was_loosened_does_not_loosen_one_that_waits(tmp_path: Path) -> None:
    async with house(tmp_path, PLAIN % ", approval: {count: 2}") as home:
        asked = await home.deploy("ana")
        await reload(home, LAX)
        await home.approve("bo", asked)
        assert (await home.now(asked)).stage is Stage.APPROVAL
        await home.approve("mia", asked)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_an_environment_that_asked_nobody_asks_by_the_effect(tmp_path: Path) -> None:
    async with house(tmp_path, PLAIN % ", approval: {count: 0}, gates: {soak: {for: 2h}}") as home:
        asked = await home.deploy("ana")
        await reload(home, LAX)
        await home.engine.pass_time(timedelta(hours=3))
        assert (await home.now(asked)).phase is not Phase.SUCCEEDED
        assert home.promotion_commits() == []


async def test_a_gate_that_was_added_is_asked(home: House) -> None:
    asked = await home.deploy("ana")
    await reload(home, PLAIN % ", gates: {soak: {for: 2h}}")
    await home.approve("bo", asked)
    assert home.promotion_commits() == []
    assert "soak" in {result.gate for result in (await home.now(asked)).results}


async def test_a_gate_that_was_taken_away_is_asked_all_the_same(tmp_path: Path) -> None:
    async with house(tmp_path, LAX) as home:
        asked = await home.deploy("ana")
        await reload(home, PLAIN % ", gates: {lock: false}")
        await home.approve("bo", asked)
        done = await home.now(asked)
        assert "lock" in {result.gate for result in done.results}


async def test_whoever_may_not_ask_any_more_gets_nothing(home: House) -> None:
    asked = await home.deploy("ana")
    await reload(home, LAX.replace("  - {role: engineer, groups: [engineers]}\n", ""))
    await home.approve("bo", asked)
    assert (await home.now(asked)).phase is Phase.FAILED
    assert home.promotion_commits() == []


async def test_a_story_that_has_committed_is_told_on_by_the_policy_that_confirmed_it(home: House) -> None:
    """Commit in the journal, pull requests in the policy: the story must not look for another step there."""
    home.engine.crash_after.add("follow")
    asked = await home.deploy("ana")
    policy = PLAIN % ", mode: pull-request, rollback: {automatic: 10m}"
    await home.approve("bo", asked)
    tape = home.engine.tapes[asked.id]
    tape.done, tape.steps = False, [step for step in tape.steps if step[0] not in ("finished", "conclude")]
    await reload(home, policy)
    assert tape.done
    assert home.promotion_commits() == [asked.id]


ROLES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True).map(tuple)
QUORUMS = st.builds(Quorum, st.integers(0, 3), ROLES, ROLES)
RULES = st.builds(
    lambda q, more, self_, author: ApprovalRule(
        q.count, q.roles, q.required, alternatives=tuple(more), self_approval=self_, author_approval=author
    ),
    QUORUMS,
    st.lists(QUORUMS, max_size=2),
    st.booleans(),
    st.booleans(),
)
GIVEN = st.lists(ROLES, max_size=4)


@given(then=RULES, today=RULES, given_=GIVEN)
def test_what_either_rule_refuses_is_refused(
    then: ApprovalRule, today: ApprovalRule, given_: list[tuple[str, ...]]
) -> None:
    yes = [
        Approval(Person(f"U{number}", str(number)), "hash", datetime.now(UTC), roles)
        for number, roles in enumerate(given_)
    ]
    both = stricter(then, {"my-app": today}) or then
    assert quorum(both, yes) is (quorum(then, yes) and quorum(today, yes))
    assert both.self_approval <= (then.self_approval and today.self_approval)
    assert both.author_approval <= (then.author_approval and today.author_approval)
    assert stricter(then, {"my-app": then}) is None


def test_a_rule_that_asks_for_less_adds_nothing() -> None:
    assert stricter(ApprovalRule(count=2), {"my-app": ApprovalRule(count=1)}) is None
    assert stricter(ApprovalRule(count=1), {"my-app": ApprovalRule(count=2)}) is not None
