"""What every test shares."""

from collections.abc import Generator

import pytest
from hypothesis import Phase, settings

from tests.canary import leaks

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.register_profile("unshrunk", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("quick")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever a test logged or printed, through whichever library: a secret in it fails the test."""
    report = yield
    if report.passed:
        found = [leak for _, text in report.sections for leak in leaks(text)]
        if found:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} shows a secret in what it logs: {found[0]!r}"
    return report
