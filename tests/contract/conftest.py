"""Tells at the end how much the contract tests cover."""

import pytest

PREFIX = "contract: "


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each property that a passed test recorded under the prefix."""
    passed = terminalreporter.stats.get("passed", [])
    told = [pair for report in passed for pair in report.user_properties if pair[0].startswith(PREFIX)]
    if told:
        terminalreporter.section("contracts")
        for name, words in told:
            terminalreporter.write_line(f"{name.removeprefix(PREFIX)}: {words}")
