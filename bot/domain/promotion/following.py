"""How far the Applications are on their way to the commit."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.application import ApplicationRef


class Progress(StrEnum):
    """How far one Application is on its way to the commit."""

    WAITING = "Waiting"
    SYNCING = "Syncing"
    PROGRESSING = "Progressing"
    HEALTHY = "Healthy"
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    """somebody's later commit changed the line before Argo CD came"""
    NEVER_RAN = "NeverRan"
    """synced, but the image is not what runs"""

    @property
    def final(self) -> bool:
        return self not in (Progress.WAITING, Progress.SYNCING, Progress.PROGRESSING)

    @property
    def failed(self) -> bool:
        return self.final and self is not Progress.HEALTHY


@dataclass(frozen=True)
class Following:
    """What Argo CD makes of the commit for one Application; `explanation`: why it is not further, or what drifts."""

    application: ApplicationRef
    progress: Progress
    sync: str = ""
    health: str = ""
    explanation: str = ""
    url: str = ""
