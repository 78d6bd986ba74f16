from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.caller import Person
from bot.domain.safety import Freeze, Lock

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ANNA = Person("U1", "Anna")


@pytest.mark.parametrize(
    ("held", "app", "environment", "covered"),
    [
        ("", "my-app", "production", True),
        ("my-app", "my-app", "production", True),
        ("my-app", "other", "production", False),
        ("", "my-app", "staging", False),
        ("", "payments", "production", False),
    ],
)
def test_a_freeze_covers_its_place_but_for_the_exempt(held: str, app: str, environment: str, covered: bool) -> None:
    freeze = Freeze("F1", "production", ANNA, "", NOW, NOW, held, exempt_apps=("payments",))
    assert freeze.covers(app, environment) is covered


@pytest.mark.parametrize(
    ("held", "app", "environment", "covered"),
    [
        ("", "my-app", "production", True),
        ("my-app", "my-app", "production", True),
        ("my-app", "other", "production", False),
        ("", "my-app", "staging", False),
    ],
)
def test_a_lock_covers_its_place(held: str, app: str, environment: str, covered: bool) -> None:
    assert Lock(held, "production", ANNA, "", NOW).covers(app, environment) is covered


def test_both_are_over_at_the_very_moment_that_was_named() -> None:
    before = NOW - timedelta(microseconds=1)
    for hold in (Freeze("F1", "production", ANNA, "", before, NOW), Lock("", "production", ANNA, "", before, NOW)):
        assert hold.lasts(before)
        assert not hold.lasts(NOW)
    assert Lock("", "production", ANNA, "", before).lasts(NOW)
