"""What a scanner found in an image."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """From harmless to worst."""

    NONE = "None"
    UNKNOWN = "Unknown"
    NEGLIGIBLE = "Negligible"
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class ScanStatus(StrEnum):
    NOT_SCANNED = "NotScanned"
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCESS = "Success"
    ERROR = "Error"
    STOPPED = "Stopped"
    INCOMPLETE = "Incomplete"
    """it is over, but part of the image has no result, or the registry's numbers contradict each other"""
    SCANNER_AWAY = "ScannerAway"
    """there is a report, but the registry shows no state of it: its scanner does not answer"""


@dataclass(frozen=True)
class Vulnerability:
    id: str
    package: str
    version: str
    severity: Severity
    fix_version: str = ""

    @property
    def fixable(self) -> bool:
        return bool(self.fix_version)


@dataclass(frozen=True)
class Scan:
    """The newest scan; `counts` is empty unless it succeeded. Severities that were not found are absent (H12)."""

    status: ScanStatus
    counts: dict[Severity, int] = field(default_factory=dict)
    fixable: int = 0
    total: int = 0
    finished_at: datetime | None = None
    scanner: str = ""
    progress: int = 0
    """percent, while it runs"""
    missing: tuple[str, ...] = ()
    """what an incomplete one lacks: "linux/arm64 failed" """

    def at_or_above(self, threshold: Severity) -> int:
        return sum(count for severity, count in self.counts.items() if severity.rank >= threshold.rank)
