"""What is handed out by type: to gates what they may ask, to commands what they may use."""

from bot.app.outside import Outside
from bot.app.stores import Stores
from bot.domain.source import OverlayBranch
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import (
    Alerts,
    Applications,
    ChartPainter,
    CustomGates,
    Directory,
    Freezes,
    ImageContents,
    Locks,
    Messenger,
    Modals,
    OverlaySource,
    PromotionRecord,
    Pulls,
    Registry,
    Rejections,
    RequestLog,
    Signatures,
    SyncWindows,
)
from bot.promotions.promotions import Promotions
from bot.promotions.subscribers import Subscribers
from bot.promotions.tags import Tags
from bot.queries.scans import Scans
from bot.runtime.injection import Offered
from bot.store.audit import Audit
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore


def to_gates(
    policy: Policy,
    outside: Outside,
    stores: Stores,
    catalog: Catalog,
    image_locations: ImageLocations,
    applications: Applications,
) -> Offered:
    """What gates may ask, by the type that they name."""
    return {
        Policy: policy,
        Catalog: catalog,
        ImageLocations: image_locations,
        Directory: outside.directory,
        Registry: outside.registry,
        ImageContents: outside.contents,
        Pulls: outside.pulls,
        Applications: applications,
        SyncWindows: outside.applications,
        OverlaySource: outside.overlays,
        OverlayBranch: outside.overlay_branch,
        Signatures: outside.signatures,
        Alerts: outside.alerts,
        CustomGates: outside.custom_gates,
        Locks: stores.locks,
        Freezes: stores.freezes,
        Rejections: stores.rejections,
        PromotionRecord: stores.promotions,
    }


def to_commands(
    policy: Policy, outside: Outside, stores: Stores, catalog: Catalog, promotions: Promotions, tags: Tags
) -> Offered:
    """What commands may ask for, by the type that they name; services of locks, queues and runs come on top."""
    return {
        Policy: policy,
        Catalog: catalog,
        Promotions: promotions,
        RequestLog: stores.requests,
        Directory: outside.directory,
        Messenger: outside.messenger,
        Modals: outside.modals,
        ChartPainter: outside.charts,
        Applications: outside.applications,
        OverlaySource: outside.overlays,
        Registry: outside.registry,
        Tags: tags,
        Scans: Scans(catalog, outside.registry, policy),
        Subscribers: stores.subscriptions,
        PromotionStore: stores.promotions,
        DeliveryStore: stores.deliveries,
        Audit: stores.audit,
    }
