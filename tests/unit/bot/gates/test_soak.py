"""Healthy for long enough, counted from the right moment."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.application import HealthStatus, HistoryEntry, Operation, OperationPhase, SyncStatus
from bot.domain.promotion import Verdict, VerdictState
from bot.gates.soak import SoakGate, SoakOptions
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import GateHarness, ago, kustomization, overlay


def succeeded(at: datetime) -> Operation:
    return Operation(OperationPhase.SUCCEEDED, finished_at=at)


async def ask(harness: GateHarness, tag: str = "v1.4.2", minutes: float = 30, **facts: Any) -> Verdict:
    gate = SoakGate(harness.applications, harness.catalog, harness.image_locations, harness.policy)
    return await gate.ask(await harness.question(tag, {"minutes": minutes}, **facts))


async def test_the_time_that_is_left_is_told_to_the_second_and_waited_for() -> None:
    harness = GateHarness()
    harness.put("staging", health_since=ago(minutes=7, seconds=15))
    verdict = await ask(harness)
    assert verdict.state is VerdictState.WAITING
    assert says(verdict.reason, "Healthy in staging", "7 minutes 15 seconds of 30 minutes", "22 minutes 45 seconds")
    assert verdict.retry_after == timedelta(minutes=22, seconds=45)


async def test_long_enough_is_long_enough() -> None:
    harness = GateHarness()
    harness.put("staging", health_since=ago(minutes=30))
    verdict = await ask(harness)
    assert (verdict.state, verdict.reason) == (VerdictState.PASSED, "Healthy in staging for 30 minutes")
    harness.put("staging", health_since=ago(minutes=29, seconds=59))
    assert (await ask(harness)).state is VerdictState.WAITING


@pytest.mark.parametrize(
    "facts",
    [
        {"operation": succeeded(ago(minutes=10))},
        {"history": (HistoryEntry(0, "c", ago(days=2)), HistoryEntry(1, "d", ago(minutes=10)))},
        {"health_since": ago(days=3), "operation": succeeded(ago(minutes=10))},
    ],
)
async def test_without_a_time_of_health_or_with_an_older_one_the_end_of_the_sync_counts(
    facts: dict[str, object],
) -> None:
    """A19: the health of a moment ago may be that of the image before."""
    harness = GateHarness()
    harness.put("staging", **facts)
    verdict = await ask(harness)
    assert verdict.retry_after == timedelta(minutes=20)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"health": HealthStatus.DEGRADED, "health_since": ago(days=1)}, "staging is Synced and Degraded"),
        ({"sync": SyncStatus.OUT_OF_SYNC, "health_since": ago(days=1)}, "staging is OutOfSync and Healthy"),
        ({}, "Argo CD does not say since when staging is Healthy"),
    ],
)
async def test_the_soak_has_not_begun_while_it_is_not_healthy(facts: dict[str, object], says: str) -> None:
    harness = GateHarness()
    harness.put("staging", **facts)
    verdict = await ask(harness)
    assert verdict.state is VerdictState.WAITING
    assert says in verdict.reason


async def test_a_running_sync_has_not_begun_either() -> None:
    harness = GateHarness()
    harness.put("staging", health_since=ago(days=1), operation=Operation(OperationPhase.RUNNING))
    assert (await ask(harness)).state is VerdictState.WAITING


async def test_the_health_of_another_image_vouches_for_nothing() -> None:
    harness = GateHarness()
    harness.put("staging", health_since=ago(days=1))
    verdict = await ask(harness, "v1.4.3")
    assert verdict.state is VerdictState.BLOCKED
    assert says(verdict.reason, "staging", "does not run v1.4.3")
    assert "`/deploy my-app@v1.4.3 staging`" in verdict.remedy


async def test_an_image_named_by_hand_soaks_where_it_would_come_from() -> None:
    harness = GateHarness()
    harness.put("staging", health_since=ago(minutes=10))
    assert (await ask(harness, source="")).retry_after == timedelta(minutes=20)
    harness.overlays.push({overlay("staging"): kustomization("v1.4.3")})
    assert (await ask(harness, source="")).state is VerdictState.BLOCKED


async def test_images_arrive_in_the_first_environment_without_soaking() -> None:
    assert (await ask(GateHarness(), "v1.4.3", environment="development", source="")).state is VerdictState.PASSED


def test_the_time_is_given_once() -> None:
    assert SoakOptions.model_validate({}).time == timedelta(minutes=30)
    assert SoakOptions.model_validate({"for": "2h"}).time == timedelta(hours=2)
    with pytest.raises(ValidationError, match="either minutes or for"):
        SoakOptions.model_validate({"for": "2h", "minutes": 3})
