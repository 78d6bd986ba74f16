"""One clock: nothing asks the machine for the time but the clock itself, the command line with its diagnostics, and
clients that deal with the clocks of others.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCK = ROOT / "bot/runtime/clock.py"
OWN_TIME = (ROOT / "bot/cli", ROOT / "bot/doctor")
"""programs of a moment: they run when somebody types them, and are done"""
SANDBOX = ROOT / "integrations/sandbox"
OTHERS_TIME = {
    "integrations/alertmanager/client.py": "how long ago a server started, where its answer has no date",
    "integrations/git/remote.py": "the date that is written into a commit",
    "integrations/github/commits.py": "the date of a commit that GitHub has just made",
    "integrations/github/failures.py": "when a rate limit ends, by GitHub's clock",
    "integrations/github/probe.py": "the times in a token that GitHub checks",
    "integrations/github/tokens.py": "the times in a token that GitHub checks, and the end of one that it gave",
    "integrations/harbor/policy.py": "the end of an allowlist, by the calendar",
    "integrations/http/date.py": "how far a server's clock is from this machine's",
    "integrations/http/failures.py": "a Retry-After that is a date",
}
"""clients that compare with another machine's clock, or tell it the time: only this machine's own will do"""
ASKING = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
          "time.gmtime", "time.localtime", "SYSTEM_CLOCK.now"}  # fmt: skip
SOURCES = [
    file
    for directory in ("bot", "commands", "integrations")
    for file in (ROOT / directory).rglob("*.py")
    if file != CLOCK and not any(file.is_relative_to(own) for own in (*OWN_TIME, SANDBOX))
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
    assert {file for file, calls in found.items() if calls} == set(OTHERS_TIME), found


@pytest.mark.parametrize("source", ["datetime.now(UTC)", "at = time.time()", "SystemClock().now()", "date.today()"])
def test_a_call_is_seen(source: str) -> None:
    assert len(asked(source)) == 1


def test_a_clock_that_is_handed_on_is_no_call() -> None:
    assert asked("def wait(clock=time.time): return clock()") == []
