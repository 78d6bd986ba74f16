"""The scan of an image, and of an index: Harbor adds up what it knows of the platforms (H12, H25)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from . import views
from .model import Artifact, Report, StoredRepository, Vulnerability

Json = dict[str, Any]


def merged(repository: StoredRepository, artifact: Artifact) -> Report | None:
    """One report; Running while one platform's is, else Success as soon as one is."""
    reports = _reports(repository, artifact)
    if len(reports) < 2:
        return next(iter(reports), None)
    statuses = [report.status for report in reports]
    status = next((s for s in ("Running", "Success") if s in statuses), statuses[-1])
    ended = [report.end for report in reports if report.end]
    return replace(
        reports[0],
        status=status,
        start=min(report.start for report in reports),
        end=max(ended) if ended else None,
        vulnerabilities=_once([v for report in reports if report.status == "Success" for v in report.vulnerabilities]),
    )


def summary(repository: StoredRepository, artifact: Artifact) -> Json | None:
    """With the share of the platforms that have a result: 50 for one of two."""
    report = merged(repository, artifact)
    if report is None:
        return None
    shown = views.native_summary(report)
    if parts := repository.platforms(artifact):
        done = sum(part.report is not None and part.report.status == "Success" for part in parts)
        shown["complete_percent"] = done * 100 // len(parts)
    return shown


def _reports(repository: StoredRepository, artifact: Artifact) -> list[Report]:
    parts = repository.platforms(artifact) or [artifact]
    return [part.report for part in parts if part.report is not None]


def _once(found: Sequence[Vulnerability]) -> tuple[Vulnerability, ...]:
    return tuple({(v.id, v.package, v.version): v for v in found}.values())
