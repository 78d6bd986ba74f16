from collections.abc import Iterator

import pytest

from tests.scenario.sandbox import Sandbox, running


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One running sandbox for all tests of a module: each of them takes an app and environment of its own."""
    with running(tmp_path_factory.mktemp("sandbox")) as found:
        yield found
