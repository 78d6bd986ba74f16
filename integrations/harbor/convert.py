"""From Harbor's words to the domain's."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import msgspec

from bot.domain.errors import Refused
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.scan import Scan, ScanStatus, Severity, Vulnerability
from integrations.harbor import wire
from integrations.harbor.names import SYSTEM, repository_name

REVISION = "org.opencontainers.image.revision"
SOURCE = "org.opencontainers.image.source"
ATTACHED = (".sig", ".att", ".sbom")
STATUS = {
    "Pending": ScanStatus.PENDING,
    "Scheduled": ScanStatus.PENDING,
    "Running": ScanStatus.RUNNING,
    "Success": ScanStatus.SUCCESS,
    "Stopped": ScanStatus.STOPPED,
}
OUTCOME = {
    ScanStatus.NOT_SCANNED: "is not scanned",
    ScanStatus.ERROR: "failed",
    ScanStatus.STOPPED: "was stopped",
    ScanStatus.INCOMPLETE: "is incomplete",
}
"""how the scan of one platform ended, where that makes the whole incomplete"""


def artifact(
    found: wire.HarborArtifact, repository: str, operation: str, tag: str = "", *, portal: str = ""
) -> Artifact:
    """`tag` is what it was asked by; else the newest is shown. `portal`: the address at which people open Harbor.

    Raises Refused for a digest that is none.
    """
    if not is_digest(found.digest):
        raise Refused(SYSTEM, operation, f"not a digest: {found.digest[:80]!r}")
    tags = sorted(found.tags or (), key=lambda t: t.push_time.timestamp() if t.push_time else 0, reverse=True)
    names = tuple(t.name for t in tags)
    notes = {**labels(found), **(found.annotations or {})}
    return Artifact(
        image=Image(repository, found.digest, tag or next(iter(names), "")),
        tags=names,
        pushed_at=moment(found.push_time),
        revision=notes.get(REVISION, ""),
        source=notes.get(SOURCE, ""),
        size=found.size,
        page=_page(portal, found, repository),
    )


def _page(portal: str, found: wire.HarborArtifact, repository: str) -> str:
    """Where people look at it: by the number of the project, and with the slashes of a name encoded once."""
    if not portal or found.project_id is None:
        return ""
    name = quote(repository_name(repository).name, safe="")
    return f"{portal}/harbor/projects/{found.project_id}/repositories/{name}/artifacts-tab/artifacts/{found.digest}"


def labels(found: wire.HarborArtifact) -> dict[str, str]:
    """The OCI labels of an image's config; {} for an index, and for what is not an image."""
    try:
        attributes = msgspec.json.decode(found.extra_attrs, type=wire.ExtraAttrs | None)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return (attributes.config.labels or {}) if attributes and attributes.config else {}


def attached(found: wire.HarborArtifact) -> bool:
    """Signatures and the like, which older Harbors list among the images (H23)."""
    tags = found.tags or ()
    return bool(tags) and all(t.name.startswith("sha256-") and t.name.endswith(ATTACHED) for t in tags)


def tagged_at(found: wire.HarborArtifact) -> float:
    """When its newest tag was set, in seconds since the epoch."""
    return max((t.push_time.timestamp() for t in found.tags or () if t.push_time), default=0.0)


def scan(found: wire.HarborArtifact) -> Scan:
    """H11, H12: the only report there is, whatever its MIME type; never scanned is told by its absence."""
    overview = next((o for o in (found.scan_overview or {}).values() if o), None)
    if overview is None:
        return Scan(ScanStatus.NOT_SCANNED)
    status = STATUS.get(overview.scan_status or "", ScanStatus.ERROR)
    if status is ScanStatus.SUCCESS and not complete(overview, is_index=bool(found.references)):
        status = ScanStatus.INCOMPLETE
    summary = overview.summary if status is ScanStatus.SUCCESS and overview.summary else wire.ScanSummary()
    counts: dict[Severity, int] = {}
    for word, count in (summary.summary or {}).items():
        counts[severity(word)] = counts.get(severity(word), 0) + count
    return Scan(
        status=status,
        counts=counts,
        fixable=summary.fixable or 0,
        total=summary.total or 0,
        finished_at=moment(overview.end_time) if status is ScanStatus.SUCCESS else None,
        scanner=scanner(overview.scanner),
        progress=overview.complete_percent or 0,
    )


def complete(overview: wire.ScanOverview, *, is_index: bool) -> bool:
    """Whether a success is one of the whole image: Harbor calls an index a success when one child's scan is (H25).

    What is absent is not zero: without a summary, a total or counts that add up to it there is no news of safety.
    """
    percent, summary = overview.complete_percent, overview.summary
    if (is_index if percent is None else percent < 100) or summary is None or summary.total is None:
        return False
    counts = (summary.summary or {}).values()
    return sum(counts) == summary.total and all(count >= 0 for count in counts)


def unfinished(scan: Scan, platforms: list[tuple[str, Scan]]) -> Scan:
    """The incomplete scan of an index, by those of its platforms: running while one of them is.

    So it is too where all of them have just ended, and Harbor has not added them up yet.
    """
    missing = tuple(f"{label} {OUTCOME[each.status]}" for label, each in platforms if each.status in OUTCOME)
    running = any(each.status in (ScanStatus.PENDING, ScanStatus.RUNNING) for _, each in platforms)
    return replace(scan, status=ScanStatus.RUNNING) if running or not missing else replace(scan, missing=missing)


def vulnerability(found: wire.HarborVulnerability) -> Vulnerability:
    return Vulnerability(
        found.id, found.package, found.version or "", severity(found.severity), (found.fix_version or "").strip()
    )


def severity(text: str | None) -> Severity:
    """H12 writes them capitalised, H16 in lower case. An unknown word is Unknown."""
    try:
        return Severity((text or "").capitalize())
    except ValueError:
        return Severity.UNKNOWN


def scanner(found: wire.Scanner | None) -> str:
    return " ".join(part for part in (found.name, found.version) if part) if found else ""


def moment(at: datetime | None) -> datetime | None:
    """Go writes "no time" as the year 1."""
    return at if at and at.year > 1 else None
