"""The outside world, as far as the core asks it: one port a field. None stands for what is not configured."""

from dataclasses import dataclass
from typing import Protocol

from bot.domain.source import OverlayBranch
from bot.ports import (
    Alerts,
    ApplicationOperations,
    ApplicationProjects,
    Applications,
    ApplicationStream,
    ChartPainter,
    CustomGates,
    Directory,
    ImageContents,
    MessageLinks,
    Messenger,
    Modals,
    OverlaySource,
    OverlayWriter,
    PipelineRuns,
    PullRequests,
    Pulls,
    Registry,
    Signatures,
    SourceHistory,
    SyncWindows,
)


class OverlayRepository(OverlaySource, OverlayWriter, Protocol):
    """The overlay repository, read and written."""


class ApplicationControl(
    Applications, ApplicationOperations, SyncWindows, ApplicationProjects, ApplicationStream, Protocol
):
    """Argo CD, asked and listened to, with what its projects allow."""


class Conversations(Messenger, MessageLinks, Protocol):
    """Words to people, and the messages that are there."""


@dataclass(frozen=True)
class Outside:
    directory: Directory
    messenger: Conversations
    modals: Modals
    applications: ApplicationControl
    registry: Registry
    """Harbor, for images that are in it"""
    contents: ImageContents
    pulls: Pulls
    signatures: Signatures
    overlays: OverlayRepository
    overlay_branch: OverlayBranch
    pipelines: PipelineRuns
    custom_gates: CustomGates
    pull_requests: PullRequests | None = None
    sources: SourceHistory | None = None
    alerts: Alerts | None = None
    charts: ChartPainter | None = None
