"""Policy changes while a promotion waits: at the effect the stricter of both holds, and the card says so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.approval import quorum, stricter
from bot.domain.caller import Person
from bot.domain.image import Image
from bot.domain.promotion import Approval, ApprovalRule, Phase, Promotion, Quorum, Stage
from bot.domain.scan import ScanStatus, Severity, Vulnerability
from bot.evaluation.evaluator import GateEvaluator
from bot.evaluation.question import Gate
from bot.evaluation.terms import Both, TermsChange, compared
from bot.gates.custom import CustomGate
from bot.gates.freeze import FreezeGate
from bot.gates.lock import LockGate
from bot.gates.scan import ScanGate
from bot.gates.signature import SignatureGate
from bot.gates.soak import SoakGate
from bot.policy import parse
from bot.workflow.story import Story
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world

PLAIN = POLICY + "environments: [{name: development}, {name: staging}, {name: production%s}]\n"
LAX = PLAIN % ""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, LAX) as built:
        yield built


async def reload(world: CoreWorld, text: str) -> None:
    """Policy is read at the start of the process, and only then."""
    policy = parse(text)
    old = world.service.orphans.steps
    evaluator = GateEvaluator(old.evaluator._gates.values(), policy)
    eligibility = type(old.eligibility)(policy, old.eligibility._delegates)
    object.__setattr__(world.service, "policy", policy)
    object.__setattr__(world.service, "eligibility", eligibility)
    await world.engine.restart(Story(replace(old, policy=policy, evaluator=evaluator, eligibility=eligibility), policy))


TIGHTER = {
    "two instead of one": (", approval: {count: 2}", ["bo"], ["bo", "mia"]),
    "another role": (", approval: {count: 1, roles: [admin]}", ["bo"], ["dee"]),
    "a role that must be among them": (", approval: {count: 1, required: [admin]}", ["bo"], ["dee"]),
}


@pytest.mark.parametrize("what", TIGHTER)
async def test_what_was_tightened_while_it_waited_voids_and_holds(world: CoreWorld, what: str) -> None:
    text, before, after = TIGHTER[what]
    asked = await world.deploy("ana")
    await reload(world, PLAIN % text)
    for who in before:
        await world.approve(who, asked)
    waiting = await world.now(asked)
    assert (waiting.stage, world.promotion_commits()) == (Stage.APPROVAL, [])
    assert "policy asks for more" in waiting.voided
    for who in after:
        await world.approve(who, asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_what_was_loosened_does_not_loosen_one_that_waits(tmp_path: Path) -> None:
    async with core_world(tmp_path, PLAIN % ", approval: {count: 2}") as world:
        asked = await world.deploy("ana")
        await reload(world, LAX)
        await world.approve("bo", asked)
        assert (await world.now(asked)).stage is Stage.APPROVAL
        await world.approve("mia", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_an_environment_that_asked_nobody_asks_by_the_effect(tmp_path: Path) -> None:
    async with core_world(tmp_path, PLAIN % ", approval: {count: 0}, gates: {soak: {for: 2h}}") as world:
        asked = await world.deploy("ana")
        await reload(world, LAX)
        await world.engine.pass_time(timedelta(hours=3))
        assert (await world.now(asked)).phase is not Phase.SUCCEEDED
        assert world.promotion_commits() == []


async def test_a_gate_that_was_added_is_asked(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await reload(world, PLAIN % ", gates: {soak: {for: 2h}}")
    await world.approve("bo", asked)
    assert world.promotion_commits() == []
    assert "soak" in {result.gate for result in (await world.now(asked)).results}


async def test_a_gate_that_was_taken_away_is_asked_all_the_same(tmp_path: Path) -> None:
    async with core_world(tmp_path, LAX) as world:
        asked = await world.deploy("ana")
        await reload(world, PLAIN % ", gates: {lock: false}")
        await world.approve("bo", asked)
        done = await world.now(asked)
        assert "lock" in {result.gate for result in done.results}


SCANNED = PLAIN % ", gates: {scan: {threshold: %s}}"
TIGHTER_GATES = {
    "a lower threshold": ("critical", "high"),
    "what has no fix counts too": ("high, fixable_only: true", "high, fixable_only: false"),
    "an exception that was taken away": (
        "high, allow: [{id: CVE-2026-1, until: 2099-01-01, reason: x}]",
        "high",
    ),
    "an exception that ends sooner": (
        "high, allow: [{id: CVE-2026-1, until: 2099-01-01, reason: x}]",
        "high, allow: [{id: CVE-2026-1, until: 2026-01-01, reason: x}]",
    ),
}


async def find(world: CoreWorld) -> None:
    """What goes to production has a high vulnerability, for which there is no fix."""
    image = (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    world.registry.finish_scan(image, Vulnerability("CVE-2026-1", "openssl", "1.0", Severity.HIGH))


@pytest.mark.parametrize("what", TIGHTER_GATES)
async def test_a_gate_that_asks_for_more_by_now_holds(tmp_path: Path, what: str) -> None:
    then, today = TIGHTER_GATES[what]
    async with core_world(tmp_path, SCANNED % then) as world:
        await find(world)
        asked = await world.deploy("ana")
        assert (await world.now(asked)).stage is Stage.APPROVAL
        await reload(world, SCANNED % today)
        await world.approve("bo", asked)
        ended = await world.now(asked)
        assert (ended.phase, world.promotion_commits()) == (Phase.FAILED, [])
        assert "Policy asks more of this gate" in ended.outcome


@pytest.mark.parametrize("what", TIGHTER_GATES)
async def test_a_gate_that_asks_for_less_by_now_holds_what_was_asked_under_more(tmp_path: Path, what: str) -> None:
    today, then = TIGHTER_GATES[what]
    async with core_world(tmp_path, SCANNED % then) as world:
        asked = await world.deploy("ana")
        await reload(world, SCANNED % today)
        await find(world)
        await world.approve("bo", asked)
        ended = await world.now(asked)
        assert (ended.phase, world.promotion_commits()) == (Phase.FAILED, [])
        [scan] = [result for result in ended.results if result.gate == "scan"]
        assert "asks less of this gate" in scan.verdict.remedy


@pytest.mark.parametrize("what", TIGHTER_GATES)
async def test_a_gate_that_was_tightened_voids_though_it_passes(tmp_path: Path, what: str) -> None:
    then, today = TIGHTER_GATES[what]
    async with core_world(tmp_path, SCANNED % then) as world:
        asked = await world.deploy("ana")
        await reload(world, SCANNED % today)
        await world.approve("bo", asked)
        waiting = await world.now(asked)
        assert (waiting.stage, world.promotion_commits()) == (Stage.APPROVAL, [])
        assert "policy asks more of the gate scan" in waiting.voided
        await world.approve("bo", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_a_gate_that_is_tightened_twice_voids_twice(tmp_path: Path) -> None:
    async with core_world(tmp_path, SCANNED % "critical") as world:
        asked = await world.deploy("ana")
        for threshold in ("high", "medium"):
            await reload(world, SCANNED % threshold)
            await world.approve("bo", asked)
            assert "policy asks more of the gate scan" in (await world.now(asked)).voided
        assert world.promotion_commits() == []
        await world.approve("bo", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("what", TIGHTER_GATES)
async def test_a_gate_that_was_loosened_voids_nothing(tmp_path: Path, what: str) -> None:
    today, then = TIGHTER_GATES[what]
    async with core_world(tmp_path, SCANNED % then) as world:
        asked = await world.deploy("ana")
        await reload(world, SCANNED % today)
        await world.approve("bo", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


KEYED = {name: Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
         for name in ("old", "new")}  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "then", "today", "looser"),
    [
        (ScanGate, {"threshold": "critical"}, {"threshold": "high"}, False),
        (ScanGate, {}, {"max_age": "1d"}, False),
        (ScanGate, {"max_age": "1h"}, {"max_age": "1d"}, True),
        (SoakGate, {"for": "2h"}, {"minutes": 30}, True),
        (SoakGate, {"minutes": 30}, {"for": "2h"}, False),
        (LockGate, {"owner_passes": True}, {}, False),
        (LockGate, {}, {"owner_passes": True}, True),
        (SignatureGate, {"keys": ["old", "new"]}, {"keys": ["new"]}, False),
        (SignatureGate, {"keys": ["old"]}, {"keys": ["old", "new"]}, True),
        (SignatureGate, {"keys": ["old"]}, {"keys": ["old"], "repository": True}, False),
        (CustomGate, {"endpoints": ["a"]}, {"endpoints": ["a", "b"]}, False),
        (CustomGate, {"endpoints": ["a", "b"]}, {"endpoints": ["a"]}, True),
        (FreezeGate, {}, {"exempt_apps": ["my-app"]}, False),  # it cannot tell, so it counts as stricter
    ],
)
def test_what_counts_as_tightened(gate: type[Gate], then: dict[str, Any], today: dict[str, Any], looser: bool) -> None:
    def written(options: dict[str, Any]) -> dict[str, Any]:
        if "keys" in options:
            return {**options, "keys": {name: KEYED[name].decode() for name in options["keys"]}}
        if "endpoints" in options:
            return {"endpoints": [{"name": one, "url": f"https://{one}.example.com"} for one in options["endpoints"]]}
        return options

    both = Both(written(then), written(today))
    assert compared(gate, both) is (TermsChange.LOOSER if looser else TermsChange.TIGHTER)
    assert compared(gate, Both(both.then, both.then)) is TermsChange.NONE


async def test_an_environment_that_wants_pull_requests_by_now_gets_one_and_is_asked_again(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await reload(world, PLAIN % ", mode: pull-request")
    await world.approve("bo", asked)
    waiting = await world.now(asked)
    assert (waiting.stage, waiting.pull_request, world.promotion_commits()) == (Stage.APPROVAL, "", [])
    assert "policy now requires a pull request" in waiting.voided
    await world.approve("bo", asked)
    assert (await world.now(asked)).pull_request
    assert world.promotion_commits() == []


async def test_an_environment_that_wanted_pull_requests_when_it_was_asked_gets_one(tmp_path: Path) -> None:
    async with core_world(tmp_path, PLAIN % ", mode: pull-request") as world:
        asked = await world.deploy("ana")
        await reload(world, LAX)
        await world.approve("bo", asked)
        assert (await world.now(asked)).pull_request
        assert world.promotion_commits() == []


async def test_a_gate_of_one_app_of_a_train_is_not_asked_of_the_other(tmp_path: Path) -> None:
    """A gate that needs options would break on an app whose policy gives it none."""
    own = "apps: {ledger: {environments: {production: {gates: {soak: {for: 2h}}}}}}\n"
    async with core_world(tmp_path, LAX + own) as world:
        plan = (await world.deploy("ana")).plan
        apps = ("my-app", "ledger")
        moves = tuple(replace(plan.moves[0], app=app) for app in apps)
        evaluator = world.service.evaluator
        train = replace(plan, moves=moves, gates=(*plan.gates, "soak"), terms=evaluator.terms(apps, "production"))
        results = await evaluator.ask(train, datetime.now(UTC))
        assert {result.app for result in results if result.gate == "soak"} == {"ledger"}
        assert {result.app for result in results if result.gate == "scan"} == set(apps)


async def test_whoever_may_not_ask_any_more_gets_nothing(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await reload(world, LAX.replace("  - {role: engineer, groups: [engineers]}\n", ""))
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.FAILED
    assert world.promotion_commits() == []


async def test_a_story_that_has_committed_is_told_on_by_the_policy_that_confirmed_it(world: CoreWorld) -> None:
    """Commit in the journal, pull requests in the policy: the story must not look for another step there."""
    world.engine.crash_after.add("follow")
    asked = await world.deploy("ana")
    policy = PLAIN % ", mode: pull-request, rollback: {automatic: 10m}"
    await world.approve("bo", asked)
    tape = world.engine.tapes[asked.id]
    tape.done, tape.steps = False, [step for step in tape.steps if step[0] not in ("finished", "conclude")]
    await reload(world, policy)
    assert tape.done
    assert world.promotion_commits() == [asked.id]


SHORTER = PLAIN % ", gate_timeout: 10m"
HALF_AN_HOUR = 10


async def waited(world: CoreWorld) -> tuple[Promotion, Image]:
    """For a scan, for half an hour, and by the policy of then it may be an hour."""
    image = (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    world.registry.finish_scan(image, status=ScanStatus.PENDING)
    asked = await world.deploy("ana")
    for _ in range(HALF_AN_HOUR):
        await world.engine.pass_time(timedelta(minutes=3))
    return asked, image


async def test_less_time_for_gates_breaks_off_nothing_that_has_waited_longer(world: CoreWorld) -> None:
    asked, image = await waited(world)
    await reload(world, SHORTER)
    assert (await world.now(asked)).stage is Stage.GATES
    world.registry.finish_scan(image)
    await world.engine.pass_time(timedelta(minutes=3))
    assert (await world.now(asked)).stage is Stage.APPROVAL


@pytest.mark.parametrize("text", [SHORTER, POLICY + "environments: [{name: development}, {name: staging}]\n"])
async def test_nor_what_has_gone_on_since(world: CoreWorld, text: str) -> None:
    """The story is told again from its beginning, where it waited for the gate."""
    asked, image = await waited(world)
    world.registry.finish_scan(image)
    await world.engine.pass_time(timedelta(minutes=3))
    await world.approve("bo", asked)
    tape = world.engine.tapes[asked.id]
    tape.done, tape.steps = False, [step for step in tape.steps if step[0] not in ("finished", "conclude")]
    await reload(world, text)
    assert tape.done
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_and_the_time_that_was_announced_ends_it(world: CoreWorld) -> None:
    asked, _ = await waited(world)
    await reload(world, SHORTER)
    for _ in range(HALF_AN_HOUR + 2):
        await world.engine.pass_time(timedelta(minutes=3))
    ended = await world.now(asked)
    assert (ended.phase, ended.outcome[:15]) == (Phase.FAILED, "Gave up waiting")


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
