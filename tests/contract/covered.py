"""What the contract tests tell at the end: how much of a system's description they cover."""

from collections.abc import Callable

import pytest

Covered = Callable[[str, str], None]
COVERED = pytest.StashKey[list[tuple[str, str]]]()
