"""Whether the environment that an image comes from is well with that image, and with no other."""

from typing import Any

import pytest

from bot.domain.application import HealthStatus, Operation, OperationPhase, SyncStatus
from bot.domain.promotion import Verdict, VerdictState
from bot.gates.health import HealthGate
from bot.gates.soak import SoakGate
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import REPOSITORY, GateHarness, ago, kustomization, overlay


async def ask(harness: GateHarness, tag: str = "v1.4.2", **facts: Any) -> Verdict:
    gate = HealthGate(harness.applications, harness.image_locations, harness.policy)
    return await gate.ask(await harness.question(tag, **facts))


async def test_synced_and_healthy_with_the_image_passes() -> None:
    verdict = await ask(GateHarness())
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "Healthy in staging")


@pytest.mark.parametrize(
    ("facts", "state", "says"),
    [
        ({"operation": Operation(OperationPhase.RUNNING)}, VerdictState.WAITING, "staging is syncing."),
        ({"operation": Operation(OperationPhase.TERMINATING)}, VerdictState.WAITING, "staging is syncing."),
        ({"health": HealthStatus.PROGRESSING}, VerdictState.WAITING, "staging is Progressing."),
        ({"sync": SyncStatus.OUT_OF_SYNC}, VerdictState.BLOCKED, "staging is OutOfSync."),
        ({"health": HealthStatus.DEGRADED, "health_message": "no pods"}, VerdictState.BLOCKED, "Degraded: no pods."),
    ],
)
async def test_whatever_is_not_well_is_named(facts: dict[str, Any], state: VerdictState, says: str) -> None:
    harness = GateHarness()
    harness.put("staging", **facts)
    verdict = await ask(harness)
    assert verdict.state is state
    assert says in verdict.reason


async def test_an_image_named_by_hand_comes_from_nowhere() -> None:
    verdict = await ask(GateHarness(), source="")
    assert (verdict.state, verdict.asked) == (VerdictState.PASSED, False)


async def test_the_health_of_the_image_before_vouches_for_nothing() -> None:
    """A19: Argo CD still tells of the commit before, Synced and Healthy, until it has looked at git."""
    harness = GateHarness()
    before = harness.put("staging", health_since=ago(days=1)).revision
    harness.overlays.push({overlay("staging"): kustomization("v1.4.3")})
    verdict = await ask(harness, "v1.4.3")
    assert verdict.state is VerdictState.WAITING
    assert says(verdict.reason, "staging does not run v1.4.3", before[:7])
    soak = SoakGate(harness.applications, harness.catalog, harness.image_locations, harness.policy)
    assert (await soak.ask(await harness.question("v1.4.3"))).reason == verdict.reason


async def test_argo_cd_is_asked_to_look_at_what_it_has_not_seen() -> None:
    harness = GateHarness()
    commit = harness.overlays.push({overlay("staging"): kustomization("v1.4.3")})
    harness.applications.push("my-app-staging", commit.sha)
    verdict = await ask(harness, "v1.4.3")
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "staging is OutOfSync.")
    harness.applications.deploy("my-app-staging", commit.sha, (f"{REPOSITORY}:v1.4.3",))
    assert (await ask(harness, "v1.4.3")).state is VerdictState.PASSED


async def test_a_commit_that_the_repository_does_not_have_is_not_there_yet() -> None:
    harness = GateHarness()
    harness.put("staging", revision="d" * 40)
    assert (await ask(harness)).state is VerdictState.WAITING
    harness.put("staging", revision="")
    assert "Argo CD is at no commit" in (await ask(harness)).reason


async def test_what_has_moved_on_is_asked_how_it_is_now() -> None:
    """Whoever waits for approvals must not be stopped because staging got the next build meanwhile."""
    harness = GateHarness()
    commit = harness.overlays.push({overlay("staging"): kustomization("v1.4.3")})
    harness.put("staging", revision=commit.sha)
    assert (await ask(harness, "v1.4.2")).state is VerdictState.PASSED


@pytest.mark.parametrize("images", [(), (f"{REPOSITORY}:v1.4.1",), ("redis:7",), (f"{REPOSITORY}@sha256:{'0' * 64}",)])
async def test_synced_and_healthy_with_other_images_vouches_for_nothing(images: tuple[str, ...]) -> None:
    """A28: the overlay pins it and Argo CD says Synced and Healthy, but something else runs."""
    harness = GateHarness()
    harness.put("staging", images=images, health_since=ago(days=1))
    verdict = await ask(harness)
    assert verdict.state is VerdictState.WAITING
    assert "does not run v1.4.2" in verdict.reason
    soak = SoakGate(harness.applications, harness.catalog, harness.image_locations, harness.policy)
    assert (await soak.ask(await harness.question())).reason == verdict.reason
