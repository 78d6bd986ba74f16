"""The outside world in memory: what a test does not say is there, and empty."""

from bot.app.outside import Outside
from tests.fakes.applications import OVERLAY_BRANCH, MemoryApplications
from tests.fakes.customgates import MemoryCustomGates
from tests.fakes.directory import FakeDirectory
from tests.fakes.messenger import FakeMessenger
from tests.fakes.modals import MemoryModals
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.pipelines import MemoryPipelines
from tests.fakes.registry import MemoryRegistry
from tests.fakes.signatures import MemorySignatures


def memory_outside() -> Outside:
    """To be refined by `dataclasses.replace`."""
    registry = MemoryRegistry()
    return Outside(
        directory=FakeDirectory.seeded(),
        messenger=FakeMessenger(),
        modals=MemoryModals(),
        applications=MemoryApplications(),
        registry=registry,
        contents=registry,
        pulls=registry,
        signatures=MemorySignatures(),
        overlays=MemoryOverlays({}),
        overlay_branch=OVERLAY_BRANCH,
        pipelines=MemoryPipelines(),
        custom_gates=MemoryCustomGates(),
    )
