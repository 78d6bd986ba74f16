"""Calendars of freezes at the instants at which they were found wrong."""

from datetime import datetime
from typing import Any

import pytest

from bot.policy.windows import Window, closed_by, next_opening
from tests.cases import cases


@pytest.mark.parametrize("case", cases("windows.yaml"))
def test_it_is_frozen_when_its_writer_means_it_to_be(case: dict[str, Any]) -> None:
    windows = [Window.model_validate(window) for window in case["windows"]]
    at = datetime.fromisoformat(case["at"])
    assert ("frozen" if closed_by(windows, at)[1] else "open") == case["expect"]
    if "opens" in case:
        assert next_opening(windows, at) == datetime.fromisoformat(case["opens"])
