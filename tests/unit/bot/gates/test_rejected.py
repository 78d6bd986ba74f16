"""An image that goes nowhere any more."""

from typing import Any

from bot.domain.errors import Unavailable
from bot.domain.promotion import Kind, Verdict, VerdictState
from bot.domain.safety import Rejection
from bot.gates.rejected import RejectedGate
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import BO, NOW, GateHarness


async def ask(harness: GateHarness, tag: str = "v1.4.2", **facts: Any) -> Verdict:
    return await RejectedGate(harness.safety, harness.registry, harness.image_locations).ask(
        await harness.question(tag, **facts)
    )


async def rejecting(tag: str) -> GateHarness:
    harness = GateHarness()
    digest = (await harness.image(tag)).digest
    harness.safety.rejections = [Rejection("my-app", digest, tag, BO, "leaks memory.", NOW)]
    return harness


async def test_a_rejected_image_says_who_why_and_where_it_runs_already() -> None:
    verdict = await ask(await rejecting("v1.4.2"))
    assert verdict.state is VerdictState.BLOCKED
    assert says(verdict.reason, "bo", "rejects v1.4.2", "leaks memory", "committed in staging")
    assert "`/unreject my-app@v1.4.2`" in verdict.remedy


async def test_a_rollback_to_it_is_no_way_around() -> None:
    assert (await ask(await rejecting("v1.4.2"), kind=Kind.ROLLBACK)).state is VerdictState.BLOCKED


async def test_another_image_is_not_meant() -> None:
    assert (await ask(await rejecting("v1.4.2"), "v1.4.3")).state is VerdictState.PASSED


async def test_one_that_runs_nowhere_is_said_without_a_place_and_a_registry_that_is_away_changes_nothing() -> None:
    harness = await rejecting("v1.4.0")
    assert (await ask(harness, "v1.4.0")).reason == "bo rejects v1.4.0: leaks memory."
    question = await harness.question("v1.4.0")
    harness.registry.failing = Unavailable("Harbor", "read", "down")
    assert (
        await RejectedGate(harness.safety, harness.registry, harness.image_locations).ask(question)
    ).state is VerdictState.BLOCKED
