"""Times, and the moments that they mean."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.errors import InvalidCommand
from bot.grammar.moments import moment
from tests.cases import cases


@pytest.mark.parametrize("case", cases("moments.yaml"))
def test_a_time_means_what_its_writer_means(case: dict[str, Any]) -> None:
    try:
        found = moment(case["text"], datetime.fromisoformat(case["now"]), ZoneInfo(case["zone"]))
    except InvalidCommand:
        assert "refused" in case["any_of"]
    else:
        assert found in [datetime.fromisoformat(at).astimezone(UTC) for at in case["any_of"] if at != "refused"]
