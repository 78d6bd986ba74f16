"""From Harbor's words to the house's."""

from datetime import datetime

import msgspec

from bot.domain.errors import Refused
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.scan import Scan, ScanStatus, Severity, Vulnerability
from integrations.harbor import wire
from integrations.harbor.names import SYSTEM

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


def artifact(found: wire.Artifact, repository: str, operation: str, tag: str = "") -> Artifact:
    """`tag` is what it was asked by; else the newest is shown. Raises Refused for a digest that is none."""
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
    )


def labels(found: wire.Artifact) -> dict[str, str]:
    """The OCI labels of an image's config; {} for an index, and for what is no image."""
    try:
        attributes = msgspec.json.decode(found.extra_attrs, type=wire.ExtraAttrs | None)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return (attributes.config.labels or {}) if attributes and attributes.config else {}


def attached(found: wire.Artifact) -> bool:
    """Signatures and the like, which older Harbors list among the images (H23)."""
    tags = found.tags or ()
    return bool(tags) and all(t.name.startswith("sha256-") and t.name.endswith(ATTACHED) for t in tags)


def scan(found: wire.Artifact) -> Scan:
    """H11, H12: the only report there is, whatever its MIME type; never scanned is told by its absence."""
    overview = next((o for o in (found.scan_overview or {}).values() if o), None)
    if overview is None:
        return Scan(ScanStatus.NOT_SCANNED)
    status = STATUS.get(overview.scan_status or "", ScanStatus.ERROR)
    if status is ScanStatus.SUCCESS and overview.summary is None:
        status = ScanStatus.ERROR  # no summary is no news of safety
    summary = overview.summary if status is ScanStatus.SUCCESS and overview.summary else wire.Summary()
    counts: dict[Severity, int] = {}
    for word, count in (summary.summary or {}).items():
        counts[severity(word)] = counts.get(severity(word), 0) + count
    return Scan(
        status=status,
        counts=counts,
        fixable=summary.fixable,
        total=summary.total,
        finished_at=moment(overview.end_time) if status is ScanStatus.SUCCESS else None,
        scanner=scanner(overview.scanner),
        progress=overview.complete_percent or 0,
    )


def vulnerability(found: wire.Vulnerability) -> Vulnerability:
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
