"""The platform as it is shipped, where the sandbox must differ from it."""

from datetime import UTC, datetime, timedelta

import pytest

from integrations.sandbox.argocd.windows import is_active
from integrations.sandbox.platform import ARGOCD, manifests, windows_away

SUNDAY = datetime(2026, 11, 29, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("days", range(7))
def test_no_sync_window_is_active_when_the_sandbox_starts(days: int) -> None:
    """On a Sunday at three, two scenarios could not deploy."""
    now = SUNDAY + timedelta(days=days)
    [window] = windows_of(now, away=True)
    assert not any(is_active(window, now + timedelta(hours=hours)) for hours in range(-12, 48))
    assert any(is_active(window, SUNDAY + timedelta(days=day)) for day in range(7))


def test_as_shipped_one_stands_over_sundays_night() -> None:
    [window] = windows_of(SUNDAY, away=False)
    assert is_active(window, SUNDAY)


def windows_of(now: datetime, *, away: bool) -> list[dict[str, object]]:
    made = manifests(ARGOCD)
    made = windows_away(made, now) if away else made
    return [window for one in made if one["kind"] == "AppProject" for window in one["spec"].get("syncWindows") or []]
