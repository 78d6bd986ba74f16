"""The same digest through every environment, in order."""

from typing import Any

import pytest

from bot.domain.application import HealthStatus, Operation, OperationPhase
from bot.domain.promotion import Verdict, VerdictState
from bot.gates.order import OrderGate
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import REPOSITORY, GateHarness, kustomization, overlay


def gate_of(harness: GateHarness) -> OrderGate:
    return OrderGate(harness.catalog, harness.image_locations, harness.safety, harness.applications, harness.policy)


async def ask(harness: GateHarness, tag: str, options: dict[str, Any] | None = None, **facts: Any) -> Verdict:
    gate = gate_of(harness)
    return await gate.ask(await harness.question(tag, options, **facts))


async def test_an_image_that_never_was_in_an_environment_is_sent_there_first() -> None:
    verdict = await ask(GateHarness(), "v1.4.3")
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "v1.4.3 has not been in staging.")
    assert says(verdict.remedy, "`/deploy my-app@v1.4.3 staging`")


async def seen_in(harness: GateHarness, *environments: str, tag: str = "v1.4.2") -> None:
    harness.safety.past |= {("my-app", environment, (await harness.image(tag)).digest) for environment in environments}


async def test_what_argo_cd_shows_running_there_has_been_there() -> None:
    harness = GateHarness()
    assert (await ask(harness, "v1.4.2")).reason == "v1.4.2 has not been in development."
    harness.overlays.push({overlay("development"): kustomization("v1.4.2")})
    harness.put("development", images=(f"{REPOSITORY}:v1.4.2",))
    verdict = await ask(harness, "v1.4.2")
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "Came through development and staging")


@pytest.mark.parametrize(
    "facts",
    [
        {},  # the base renames the image: Synced and Healthy, with the old one
        {"images": ()},
        {"images": ("redis:7",)},
        {"images": (f"{REPOSITORY}:v1.4.22",)},
        {"images": ("other.example.com/apps/my-app:v1.4.2",)},
        {"images": (f"{REPOSITORY}@sha256:{'e' * 64}",)},
        {"images": (f"{REPOSITORY}:v1.4.2@sha256:{'e' * 64}",)},  # the tag has moved
        {"images": (f"{REPOSITORY}:v1.4.2",), "health": HealthStatus.PROGRESSING},
        {"images": (f"{REPOSITORY}:v1.4.2",), "health": HealthStatus.DEGRADED},
        {"images": (f"{REPOSITORY}:v1.4.2",), "health": HealthStatus.UNKNOWN},
        {"images": (f"{REPOSITORY}:v1.4.2",), "operation": Operation(OperationPhase.RUNNING)},
        {"images": (f"{REPOSITORY}:v1.4.2",), "revision": ""},  # which commit's tag that is nobody knows
    ],
)
async def test_what_an_overlay_pins_and_argo_cd_does_not_show_healthy_is_waited_for(facts: dict[str, Any]) -> None:
    """A28: one field is never proof."""
    harness = GateHarness()
    harness.overlays.push({overlay("development"): kustomization("v1.4.2")})
    harness.put("development", **facts)
    verdict = await ask(harness, "v1.4.2", {"environments": ["development"]})
    assert verdict.state is VerdictState.WAITING
    assert "development" in verdict.reason
    assert verdict.retry_after is not None


async def test_an_application_that_is_absent_runs_nothing() -> None:
    harness = GateHarness()
    harness.overlays.push({overlay("development"): kustomization("v1.4.2")})
    del harness.applications._apps["my-app-development"]
    assert (await ask(harness, "v1.4.2")).state is VerdictState.WAITING


async def test_what_an_overlay_pinned_before_proves_nothing() -> None:
    harness = GateHarness()
    harness.overlays.push({overlay("development"): kustomization("v1.4.2")})
    harness.overlays.push({overlay("development"): kustomization("v1.4.3")})
    verdict = await ask(harness, "v1.4.2")
    assert verdict.state is VerdictState.BLOCKED
    assert "nothing shows that it ran there" in verdict.reason
    await seen_in(harness, "development")
    assert (await ask(harness, "v1.4.2")).state is VerdictState.PASSED


async def test_one_environment_that_is_missing_blocks_though_another_is_on_its_way() -> None:
    harness = GateHarness()
    harness.overlays.push({overlay("staging"): kustomization("v1.4.0")})
    verdict = await ask(harness, "v1.4.0")
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "v1.4.0 has not been in development.")


async def test_a_digest_that_runs_there_needs_no_tag() -> None:
    harness = GateHarness()
    digest = (await harness.image("v1.4.2")).digest
    harness.put("development", images=(f"mirror.example.com/my-app@{digest}",))
    assert (await ask(harness, "v1.4.2")).state is VerdictState.PASSED


async def test_what_a_promotion_saw_healthy_there_has_been_there() -> None:
    harness = GateHarness()
    digest = (await harness.image("v1.4.2")).digest
    harness.safety.past = {("my-app", "development", digest)}
    assert (await ask(harness, "v1.4.2")).state is VerdictState.PASSED


async def test_a_tag_that_was_moved_is_another_image() -> None:
    harness = GateHarness()
    harness.safety.past = {("my-app", "development", (await harness.image("v1.4.2")).digest)}
    question = await harness.question("v1.4.2")
    harness.registry.push(REPOSITORY, "v1.4.2", revision="moved")
    gate = gate_of(harness)
    assert (await gate.ask(question)).reason == "v1.4.2 has not been in staging."


async def test_a_hotfix_needs_both_the_policy_and_a_reason() -> None:
    allowed = {"allow_hotfix": True}
    assert (await ask(GateHarness(), "v1.4.0", reason="INC-7")).state is VerdictState.BLOCKED
    without = await ask(GateHarness(), "v1.4.0", allowed)
    assert without.state is VerdictState.BLOCKED
    assert "--reason" in without.remedy
    verdict = await ask(GateHarness(), "v1.4.0", allowed, reason="INC-7")
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "hotfix: INC-7")


async def test_a_reason_makes_no_hotfix_of_what_came_in_order() -> None:
    verdict = await ask(GateHarness(), "v1.4.2", {"allow_hotfix": True, "environments": ["stg"]}, reason="because")
    assert verdict.reason == "Came through staging"


async def test_the_first_environment_has_none_before_it() -> None:
    assert (await ask(GateHarness(), "v1.4.0", environment="development", source="")).state is VerdictState.PASSED


async def test_an_app_need_not_live_everywhere() -> None:
    harness = GateHarness()
    del harness.overlays._trees[harness.overlays.log[-1].sha][overlay("development")]
    assert (await ask(harness, "v1.4.2")).state is VerdictState.PASSED
