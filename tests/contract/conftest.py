"""Tells at the end how much the contract tests cover."""

import pytest

from tests.contract.covered import COVERED, Covered


@pytest.fixture
def covered(request: pytest.FixtureRequest) -> Covered:
    """Call it with a system and how much of it is covered; the run ends with a line for each.

    Not `record_property`: pytest warns of that one when a report in its default XML format is asked for, as CI does.
    """
    return lambda system, words: request.node.user_properties.append((f"{COVERED}{system}", words))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each system."""
    passed = terminalreporter.stats.get("passed", [])
    told = [pair for report in passed for pair in report.user_properties if pair[0].startswith(COVERED)]
    if told:
        terminalreporter.section("contracts")
        for system, words in told:
            terminalreporter.write_line(f"{system.removeprefix(COVERED)}: {words}")
