"""Worlds that several modules use."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.integrations.sandbox.argocd.world import (
    ENVIRONMENTS,
    SELF_HEAL,
    World,
    application,
    project,
    running,
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Three environments, all synced by themselves."""
    manifests = [project(), *(application(environment, SELF_HEAL) for environment in ENVIRONMENTS)]
    async with running(tmp_path, manifests) as found:
        yield found


@pytest.fixture
async def manual(tmp_path: Path) -> AsyncIterator[World]:
    """Three environments that only people sync."""
    async with running(tmp_path, [project(), *(application(environment) for environment in ENVIRONMENTS)]) as found:
        yield found
