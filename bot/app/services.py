"""What is handed out by type: to gates what they may ask, to commands what they may use."""

from collections.abc import Mapping
from typing import Any

from bot.app.foundation import Foundation
from bot.domain.source import OverlayBranch
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import (
    Alerts,
    Applications,
    CustomGates,
    Directory,
    Freezes,
    ImageContents,
    Locks,
    Messenger,
    Modals,
    OverlaySource,
    PipelineRetries,
    Pipelines,
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
from bot.queries.status import StatusQuery
from bot.store.audit import Audit
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore
from bot.workflow.service import PromotionService


def to_gates(foundation: Foundation) -> Mapping[Any, Any]:
    """What gates may ask, by the type that they name."""
    outside, words = foundation.outside, foundation.words
    return {
        Policy: foundation.policy,
        Catalog: foundation.catalog,
        ImageLocations: foundation.image_locations,
        Directory: outside.directory,
        Registry: outside.registry,
        ImageContents: outside.contents,
        Pulls: outside.pulls,
        Applications: outside.argocd,
        SyncWindows: outside.argocd,
        OverlaySource: outside.overlays,
        OverlayBranch: outside.overlay_branch,
        Pipelines: outside.tekton,
        Signatures: outside.signatures,
        Alerts: outside.alerts,
        CustomGates: outside.custom_gates,
        Locks: words.locks,
        Freezes: words.freezes,
        Rejections: words.rejections,
        PromotionRecord: foundation.store,
    }


def to_commands(foundation: Foundation, service: PromotionService) -> Mapping[Any, Any]:
    """What commands may ask for, by the type that they name; services of locks, queues and runs come on top."""
    outside, policy, catalog = foundation.outside, foundation.policy, foundation.catalog
    tags = Tags(outside.registry)
    return {
        Policy: policy,
        Catalog: catalog,
        Promotions: service,
        RequestLog: foundation.words.requests,
        Directory: outside.directory,
        Messenger: outside.messenger,
        Modals: outside.modals,
        Applications: outside.argocd,
        OverlaySource: outside.overlays,
        Registry: outside.registry,
        Pipelines: outside.tekton,
        PipelineRetries: outside.tekton,
        StatusQuery: StatusQuery(catalog, policy, outside.argocd, outside.overlays, service, tags),
        Tags: tags,
        Scans: Scans(catalog, outside.registry, policy),
        Subscribers: foundation.subscriptions,
        PromotionStore: foundation.store,
        DeliveryStore: foundation.deliveries,
        Audit: foundation.audit,
    }
