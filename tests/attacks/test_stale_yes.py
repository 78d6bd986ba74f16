"""A yes counts for what its giver was shown, and for nothing else: not when gates find something else later, and not as
somebody's name on a commit that they never said yes to.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.four_eyes import unseen
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.scan import ScanStatus, Severity, Vulnerability
from tests.attacks.test_one_voice import PRODUCTION
from tests.fakes.world import CoreWorld, core_world
from tests.unit.bot.promotions.test_pull_requests import MINUTE, PULL_REQUESTS

NEW = Vulnerability("CVE-2026-9", "zlib", "1.0", Severity.LOW)
"""below the threshold: the gate passes, and says something else than people saw"""


def before_the_commit(world: CoreWorld, happens: Callable[[], object]) -> None:
    """Once, between the last yes and the question whether everything still holds."""

    def on_step(name: str) -> None:
        if name.startswith("confirm"):
            world.engine.on_step = lambda name: None
            happens()

    world.engine.on_step = on_step


def rescanned(world: CoreWorld, asked: Promotion) -> None:
    """Somebody has the image scanned again right then, so the gate waits."""
    image = asked.plan.moves[0].after
    before_the_commit(world, lambda: world.registry.finish_scan(image, status=ScanStatus.PENDING))


async def found(world: CoreWorld, asked: Promotion, *what: Vulnerability) -> Promotion:
    world.registry.finish_scan(asked.plan.moves[0].after, *what)
    await world.engine.pass_time(timedelta(minutes=2))
    return await world.now(asked)


async def yes_and_then_found(world: CoreWorld, requester: str = "ana") -> tuple[Promotion, Promotion]:
    """bo says yes, and the scan that somebody has started anew finds something; as it was asked, and as it is then."""
    asked = await world.deploy(requester)
    rescanned(world, asked)
    await world.approve("bo", asked)
    assert (await world.now(asked)).stage is Stage.GATES
    return asked, await found(world, asked, NEW)


async def test_what_gates_find_while_they_are_waited_for_takes_the_yes_back_and_says_why(world: CoreWorld) -> None:
    _, again = await yes_and_then_found(world)
    assert (again.stage, again.approvals) == (Stage.APPROVAL, ())
    assert again.voided == "scan said “No known vulnerabilities” and says “1 low; adds 1 low” now"
    assert world.promotion_commits() == []


async def test_whose_yes_was_taken_back_may_say_yes_again(world: CoreWorld) -> None:
    asked, _ = await yes_and_then_found(world)
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_nobody_is_named_for_what_they_did_not_say_yes_to(world: CoreWorld) -> None:
    asked, _ = await yes_and_then_found(world)
    await world.approve("mia", asked)
    done = await world.now(asked)
    assert done.phase is Phase.SUCCEEDED
    assert [approval.approver.name for approval in done.approvals] == ["mia"]
    assert [who.partition(" ")[0] for who in world.overlays.log[-1].trailers("Approved-By")] == ["mia"]


async def test_a_yes_for_something_else_is_no_second_pair_of_eyes(tmp_path: Path) -> None:
    async with core_world(tmp_path, PRODUCTION % "approval: {count: 1, self_approval: true}") as world:
        asked, _ = await yes_and_then_found(world, "mia")
        await world.approve("mia", asked)
        done = await world.now(asked)
        assert done.phase is Phase.SUCCEEDED
        assert unseen(done, None) == "approved by nobody but the requester"


async def test_who_lost_the_right_while_a_gate_was_waited_for_is_named(world: CoreWorld) -> None:
    asked = await world.deploy("ana")

    def happens() -> None:
        world.registry.finish_scan(asked.plan.moves[0].after, status=ScanStatus.PENDING)
        group = world.directory.groups["S0RELEASE", "release-managers"]
        world.directory.groups["S0RELEASE", "release-managers"] = group - {"U0BO"}

    before_the_commit(world, happens)
    await world.approve("bo", asked)
    again = await found(world, asked)
    assert (again.stage, again.approvals) == (Stage.APPROVAL, ())
    assert again.voided == "bo may no longer approve"


async def test_the_same_findings_as_before_leave_the_yes_as_it_is(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    rescanned(world, asked)
    await world.approve("bo", asked)
    assert (await found(world, asked)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("who", ["bo", "mia"])
async def test_while_a_pull_request_is_open_too(tmp_path: Path, who: str) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        world.registry.finish_scan(asked.plan.moves[0].after, NEW)
        world.overlays.set_checks(1, "success")
        for _ in range(3):
            await world.engine.pass_time(MINUTE)
        again = await world.now(asked)
        assert (again.stage, again.approvals) == (Stage.APPROVAL, ())
        assert "says “1 low; adds 1 low” now" in again.voided
        await world.approve(who, asked)
        await world.engine.pass_time(MINUTE)
        done = await world.now(asked)
        assert (done.phase, [a.approver.name for a in done.approvals]) == (Phase.SUCCEEDED, [who])
