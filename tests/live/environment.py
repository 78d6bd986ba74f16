"""What the environment says about real servers."""

import os

import pytest


def needed(*names: str) -> tuple[str, ...]:
    """The values of these variables. Skips the test, naming those that are absent."""
    absent = [name for name in names if not os.environ.get(name)]
    if absent:
        pytest.skip(f"not configured: set {', '.join(absent)} (docs/live-tests.md)")
    return tuple(os.environ[name] for name in names)
