"""What is handed out by type: to gates what they may ask, to commands what they may use."""

from collections.abc import Mapping
from typing import Any

from bot.app.ground import Ground
from bot.catalog import Catalog
from bot.domain.source import OverlayBranch
from bot.gates.whereabouts import Whereabouts
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
from bot.store.audit import Audit
from bot.store.promotions import PromotionStore
from bot.store.requests import RequestStore
from bot.workflow.board import Board
from bot.workflow.desk import PromotionDesk
from bot.workflow.promotions import Promotions
from bot.workflow.scans import Scans
from bot.workflow.subscribers import Subscribers
from bot.workflow.tags import Tags


def to_gates(ground: Ground) -> Mapping[Any, Any]:
    """What gates may ask, by the type that they name."""
    outside, words = ground.outside, ground.words
    return {
        Policy: ground.policy,
        Catalog: ground.catalog,
        Whereabouts: ground.whereabouts,
        Directory: outside.directory,
        Registry: outside.registry,
        ImageContents: outside.registry,
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
        PromotionRecord: ground.store,
    }


def to_commands(ground: Ground, desk: PromotionDesk) -> Mapping[Any, Any]:
    """What commands may ask for, by the type that they name; the desks of locks, queues and runs come on top."""
    outside, policy, catalog = ground.outside, ground.policy, ground.catalog
    tags = Tags(outside.registry)
    return {
        Policy: policy,
        Catalog: catalog,
        Promotions: desk,
        RequestLog: RequestStore(ground.database),
        Directory: outside.directory,
        Messenger: outside.messenger,
        Modals: outside.modals,
        Applications: outside.argocd,
        OverlaySource: outside.overlays,
        Registry: outside.registry,
        Pipelines: outside.tekton,
        PipelineRetries: outside.tekton,
        Board: Board(catalog, policy, outside.argocd, outside.overlays, desk, tags),
        Tags: tags,
        Scans: Scans(catalog, outside.registry, policy),
        Subscribers: ground.subscriptions,
        PromotionStore: ground.store,
        Audit: ground.audit,
    }
