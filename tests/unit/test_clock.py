"""One clock: nothing asks the machine for the time but the clock itself, the command line and its diagnostics."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCK = ROOT / "bot/runtime/clock.py"
OWN_TIME = (ROOT / "bot/cli", ROOT / "bot/doctor")
"""programs of a moment: they run when somebody types them, and are done"""
ASKING = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
          "time.gmtime", "time.localtime", "SYSTEM_CLOCK.now"}  # fmt: skip
SOURCES = [
    file
    for directory in ("bot", "commands")
    for file in (ROOT / directory).rglob("*.py")
    if file != CLOCK and not any(file.is_relative_to(own) for own in OWN_TIME)
]


def asked(source: str) -> list[str]:
    """Calls that ask the machine for the time, as `line: call`. A clock that is handed on is no call."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [f"{call.lineno}: {name}" for call in calls if (name := ast.unparse(call.func)) in ASKING or fresh(call)]


def fresh(call: ast.Call) -> bool:
    """`SystemClock().now()`"""
    return ast.unparse(call.func) == "SystemClock().now"


def test_only_the_clock_asks_the_machine() -> None:
    found = {str(file.relative_to(ROOT)): asked(file.read_text()) for file in SOURCES}
    assert {file: calls for file, calls in found.items() if calls} == {}


@pytest.mark.parametrize("source", ["datetime.now(UTC)", "at = time.time()", "SystemClock().now()", "date.today()"])
def test_a_call_is_seen(source: str) -> None:
    assert len(asked(source)) == 1


def test_a_clock_that_is_handed_on_is_no_call() -> None:
    assert asked("def wait(clock=time.time): return clock()") == []
