"""Frozen by policy, by a person, or not; and when it opens again. Monday, 5 January 2026, noon UTC."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bot.domain.promotion import Verdict, VerdictState
from bot.domain.safety import Freeze
from bot.gates.freeze import FreezeGate, FreezeOptions
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import BO, NOW, GateHarness, ago

LUNCH = {"cron": "0 12 * * MON-FRI", "duration": "1h", "timezone": "Europe/Berlin", "reason": "lunch"}
OFFICE = {"kind": "allow", "cron": "0 14 * * MON-FRI", "duration": "2h"}


async def ask(harness: GateHarness | None = None, **options: object) -> Verdict:
    harness = harness or GateHarness()
    return await FreezeGate(harness.safety, harness.directory, harness.policy).ask(
        await harness.question(options=options)
    )


def called(app: str = "") -> Freeze:
    return Freeze("f-1", "production", BO, "INC-123", ago(hours=1), NOW + timedelta(hours=20), app)


async def test_without_windows_and_freezes_it_is_open() -> None:
    assert (await ask()).state is VerdictState.PASSED


async def test_the_zone_of_a_window_counts() -> None:
    assert (await ask(windows=[LUNCH])).state is VerdictState.PASSED  # it is 13:00 in Berlin
    verdict = await ask(windows=[{**LUNCH, "timezone": "UTC"}])
    assert (verdict.state, verdict.reason) == (VerdictState.BLOCKED, "production is frozen now: lunch.")
    assert says(verdict.remedy, "Mon 5 Jan 13:00 UTC", "1 hour")


async def test_outside_the_allowed_windows_the_next_one_is_told() -> None:
    verdict = await ask(windows=[OFFICE])
    assert says(verdict.reason, "production", "open windows")
    assert says(verdict.remedy, "Mon 5 Jan 14:00 UTC", "2 hours")


async def test_a_freeze_that_a_person_called_holds_until_its_end_and_beyond_into_an_open_window() -> None:
    harness = GateHarness()
    harness.safety.freeze = called()
    verdict = await ask(harness)
    assert says(verdict.reason, "production", "frozen by bo", "Tue 6 Jan 08:00 UTC", "INC-123")
    assert says(verdict.remedy, "Tue 6 Jan 08:00 UTC", "20 hours")
    later = await ask(harness, windows=[OFFICE])
    assert says(later.remedy, "Tue 6 Jan 14:00 UTC", "1 day 2 hours")


async def test_a_freeze_of_another_app_holds_nothing_here() -> None:
    harness = GateHarness()
    harness.safety.freeze = called("payments")
    assert (await ask(harness)).state is VerdictState.PASSED


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"exempt_apps": ["my-app"]}, VerdictState.PASSED),
        ({"exempt_roles": ["engineer"]}, VerdictState.PASSED),
        ({"exempt_roles": ["release-manager"]}, VerdictState.BLOCKED),
    ],
)
async def test_policy_may_exempt_apps_and_roles(options: dict[str, object], state: VerdictState) -> None:
    harness = GateHarness()
    harness.safety.freeze = called()
    assert (await ask(harness, **options)).state is state


async def test_who_has_lost_the_role_is_exempt_no_more() -> None:
    harness = GateHarness()
    harness.safety.freeze = called()
    harness.directory.groups[("S0ENG", "engineers")] = frozenset()
    assert (await ask(harness, exempt_roles=["engineer"])).state is VerdictState.BLOCKED


def test_a_window_that_cannot_be_read_is_a_mistake_in_the_policy() -> None:
    with pytest.raises(ValidationError, match="expected minute, hour"):
        FreezeOptions.model_validate({"windows": [{"cron": "at noon", "duration": "1h"}]})
