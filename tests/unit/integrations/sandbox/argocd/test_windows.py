"""Sync windows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.sandbox.argocd import windows

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
APP = {
    "metadata": {"name": "my-app-production"},
    "spec": {"destination": {"name": "production", "namespace": "my-app"}},
}


def window(kind: str = "deny", schedule: str = "0 11 * * *", duration: str = "2h", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "schedule": schedule, "duration": duration, "applications": ["*"], **more}


@pytest.mark.parametrize(
    ("schedule", "duration", "zone", "active"),
    [
        ("0 11 * * *", "2h", "", True),
        ("0 11 * * *", "30m", "", False),
        ("0 11 * * *", "1h30m", "", True),
        ("0 13 * * *", "1h", "Europe/Berlin", True),
        ("0 11 * * 0", "2h", "", False),
        ("0 0 * * 3", "13h", "", True),
    ],
)
def test_active(schedule: str, duration: str, zone: str, active: bool) -> None:
    assert windows.is_active(window(schedule=schedule, duration=duration, timeZone=zone), NOON) is active


@pytest.mark.parametrize("duration", ["", "1 hour", "90"])
def test_a_duration_that_cannot_be_read(duration: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        windows.duration(duration)


OPEN, CLOSED = "0 11 * * *", "0 1 * * *"


@pytest.mark.parametrize(
    ("assigned", "automated", "manual"),
    [
        ([], True, True),
        ([window("deny", OPEN)], False, False),
        ([window("deny", OPEN, manualSync=True)], False, True),
        ([window("deny", OPEN, manualSync=True), window("deny", OPEN)], False, False),
        ([window("deny", CLOSED)], True, True),
        ([window("allow", CLOSED)], False, False),
        ([window("allow", CLOSED, manualSync=True)], False, True),
        ([window("allow", CLOSED), window("allow", OPEN)], True, True),
        ([window("allow", OPEN), window("deny", OPEN)], False, False),
    ],
)
def test_who_may_sync(assigned: list[dict[str, Any]], automated: bool, manual: bool) -> None:
    """A23."""
    assert windows.can_sync(assigned, NOON, manual=False) is automated
    assert windows.can_sync(assigned, NOON, manual=True) is manual


@pytest.mark.parametrize(
    ("match", "concerned"),
    [
        ({"applications": ["*-production"]}, True),
        ({"applications": ["*-staging"]}, False),
        ({"namespaces": ["my-*"]}, True),
        ({"clusters": ["production"]}, True),
        ({"applications": ["*-staging"], "clusters": ["production"]}, True),
        ({"applications": ["*-staging"], "clusters": ["production"], "andOperator": True}, False),
        ({}, False),
    ],
)
def test_whom_a_window_concerns(match: dict[str, Any], concerned: bool) -> None:
    one = {"kind": "deny", "schedule": OPEN, "duration": "1h", **match}
    assert bool(windows.assigned(APP, [one])) is concerned
