"""What counts as the same end: gates may be asked more often only where one of them said that it waits."""

import json

import pytest

from bot.store.audit import Row
from tests.restart.effects import _audited


def asked(*verdicts: str) -> Row:
    detail = json.dumps({"results": [{"gate": "scan", "app": "a", "verdict": one, "reason": ""} for one in verdicts]})
    return Row(1, "2026-01-05T09:00:00Z", "gates", "pilothouse", "a", "production", "p-1", detail, None, "", "")


@pytest.mark.parametrize(
    ("rounds", "counted"),
    [
        ([["Passed"], ["Passed", "Passed"]], 2),
        ([["Passed"], ["Passed"], ["Passed"], ["Passed"]], 4),
        ([["Passed"]], 1),
        ([["Passed"], ["Passed", "Waiting"], ["Passed"], ["Passed"]], 2),
        ([["Blocked"], ["Passed"], ["Passed"]], 3),
    ],
)
def test_rounds_of_gates(rounds: list[list[str]], counted: int) -> None:
    assert _audited(asked(*verdicts) for verdicts in rounds)["gates"] == counted
