"""Tells at the end how much the contract tests cover."""

import pytest

from tests.contract.covered import COVERED, Covered


@pytest.fixture
def covered(request: pytest.FixtureRequest) -> Covered:
    """Call it with a system and how much of it is covered; the run ends with a line for each.

    Not `record_property`: pytest warns of that one when a report in its default XML format is asked for, as CI does.
    """
    told = request.config.stash.setdefault(COVERED, [])
    return lambda system, words: told.append((system, words))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line for each system."""
    if told := config.stash.get(COVERED, []):
        terminalreporter.section("contracts")
        for system, words in told:
            terminalreporter.write_line(f"{system}: {words}")
