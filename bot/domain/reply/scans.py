"""What scanners found in images."""

from dataclasses import dataclass

from bot.domain.image import Artifact, Image
from bot.domain.reply.base import Reply
from bot.domain.scan import Scan, Severity, Vulnerability


@dataclass(frozen=True)
class ScanReport(Reply):
    """`fixed` and `added` compare with `against`: what the image would replace first, in `against_in`.

    `vulnerabilities` is None where no scan has ever finished: nothing is compared then.
    """

    app: str
    artifact: Artifact
    scan: Scan
    vulnerabilities: tuple[Vulnerability, ...] | None
    threshold: Severity | None = None
    against: Image | None = None
    against_in: str = ""
    fixed: tuple[Vulnerability, ...] = ()
    added: tuple[Vulnerability, ...] = ()
    pinned_in: str = ""
    """the environment whose overlay names the image; "" where somebody named it"""


@dataclass(frozen=True)
class ScanReports(Reply):
    """One for each image of an app that has several; `missing` is a sentence for each that has none."""

    app: str
    reports: tuple[ScanReport, ...]
    missing: tuple[str, ...] = ()
