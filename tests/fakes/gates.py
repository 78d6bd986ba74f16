"""The gates that hold by default, over the real stores."""

from bot.evaluation.question import Gate
from bot.gates.application import ApplicationGate
from bot.gates.freeze import FreezeGate
from bot.gates.health import HealthGate
from bot.gates.lock import LockGate
from bot.gates.order import OrderGate
from bot.gates.rejected import RejectedGate
from bot.gates.scan import ScanGate
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import Applications, Directory, OverlaySource
from bot.store.database import Database
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore
from bot.store.promotions import PromotionStore
from bot.store.rejections import RejectionStore
from tests.fakes.applications import OVERLAY_BRANCH
from tests.fakes.registry import MemoryRegistry


def usual_gates(
    policy: Policy,
    catalog: Catalog,
    database: Database,
    *,
    source: OverlaySource,
    registry: MemoryRegistry,
    applications: Applications,
    directory: Directory,
) -> tuple[Gate, ...]:
    record = PromotionStore(database)
    image_locations = ImageLocations(catalog, source, registry, record)
    return (
        ScanGate(registry, registry),
        HealthGate(applications, image_locations, policy),
        OrderGate(catalog, image_locations, record, applications, policy),
        LockGate(LockStore(database)),
        FreezeGate(FreezeStore(database), directory, policy),
        RejectedGate(RejectionStore(database), registry, image_locations),
        ApplicationGate(applications, OVERLAY_BRANCH, source),
    )
