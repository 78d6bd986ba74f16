"""What the core needs of the world, as Protocols of at most five methods.

Every method is a coroutine (but for what is known at once), returns domain values, and raises `IntegrationError`
(`Unavailable` or `Refused`) only.
Adapters live in `integrations/`; working in-memory fakes in `tests/fakes/`; one contract suite runs on both.
"""

from bot.ports.argocd import (
    ApplicationOperations,
    ApplicationProjects,
    Applications,
    ApplicationStream,
    SyncWindows,
)
from bot.ports.clock import Clock
from bot.ports.evidence import (
    Alerts,
    CustomGates,
    CustomQuestion,
    FiringAlert,
    Freezes,
    Locks,
    PromotionRecord,
    Rejections,
)
from bot.ports.git import (
    MOST_DIFFERENCES,
    Comparison,
    OverlaySource,
    OverlayWriter,
    PullRequest,
    PullRequests,
    SourceHistory,
)
from bot.ports.messages import (
    ChartPainter,
    FileUpload,
    MessageLinks,
    Messenger,
    Modals,
    Posted,
    Rendered,
    Request,
    RequestLog,
)
from bot.ports.people import Directory, HandlePins
from bot.ports.pipelines import PipelineRetries, PipelineRuns, Pipelines, PipelineStream
from bot.ports.registry import ImageContents, Pulls, Registry, Signatures

__all__ = [
    "MOST_DIFFERENCES",
    "Alerts",
    "ApplicationOperations",
    "ApplicationProjects",
    "ApplicationStream",
    "Applications",
    "ChartPainter",
    "Clock",
    "Comparison",
    "CustomGates",
    "CustomQuestion",
    "Directory",
    "FileUpload",
    "FiringAlert",
    "Freezes",
    "HandlePins",
    "ImageContents",
    "Locks",
    "MessageLinks",
    "Messenger",
    "Modals",
    "OverlaySource",
    "OverlayWriter",
    "PipelineRetries",
    "PipelineRuns",
    "PipelineStream",
    "Pipelines",
    "Posted",
    "PromotionRecord",
    "PullRequest",
    "PullRequests",
    "Pulls",
    "Registry",
    "Rejections",
    "Rendered",
    "Request",
    "RequestLog",
    "Signatures",
    "SourceHistory",
    "SyncWindows",
]
