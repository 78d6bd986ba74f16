"""Harbor's things as its REST API shows them. Empty lists are null, as its Go code writes them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from .model import Artifact, Label, Project, Report, StoredRepository, Tag
from .oci_config import config_of

Json = dict[str, Any]

REPORT_TYPE = "application/vnd.security.vulnerability.report; version=1.1"
SCANNER = {"name": "Trivy", "vendor": "Aqua Security", "version": "v0.66.0"}
NEVER = "0001-01-01T00:00:00.000Z"


def moment(at: datetime | None) -> str:
    if at is None:
        return NEVER
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def project(found: Project, metadata: Mapping[str, str]) -> Json:
    allowlist: Json = {
        "id": found.id, "project_id": found.id, "creation_time": moment(found.created),
        "update_time": moment(found.created), "items": [{"cve_id": cve} for cve in found.allowlist],
    }  # fmt: skip
    if found.allowlist_expires is not None:
        allowlist["expires_at"] = found.allowlist_expires
    return {
        "project_id": found.id,
        "name": found.name,
        "owner_id": 1,
        "owner_name": "admin",
        "creation_time": moment(found.created),
        "update_time": moment(found.created),
        "deleted": False,
        "metadata": metadata,
        "repo_count": len(found.repositories),
        "cve_allowlist": allowlist,
    }


def repository(found: StoredRepository, project_id: int) -> Json:
    latest = max((artifact.pushed for artifact in found.artifacts), default=found.created)
    return {
        "id": found.id,
        "project_id": project_id,
        "name": found.name,
        "artifact_count": len(found.images()),
        "pull_count": found.pulls,
        "creation_time": moment(found.created),
        "update_time": moment(latest),
    }


def tag(found: Tag, artifact: Artifact, repository_id: int) -> Json:
    return {
        "id": found.id,
        "name": found.name,
        "artifact_id": artifact.id,
        "repository_id": repository_id,
        "immutable": False,
        "push_time": moment(found.pushed),
        "pull_time": moment(artifact.pulled),
    }


def label(found: Label) -> Json:
    shown: Json = {
        "id": found.id, "name": found.name, "color": found.color, "scope": "p" if found.project_id else "g",
        "creation_time": moment(found.created), "update_time": moment(found.created),
    }  # fmt: skip
    if found.project_id:
        shown["project_id"] = found.project_id
    return shown


def accessory(found: Artifact, subject: Artifact, repository_name: str) -> Json:
    return {
        "id": found.id,
        "artifact_id": found.id,
        "subject_artifact_id": subject.id,
        "subject_artifact_digest": subject.digest,
        "subject_artifact_repo": repository_name,
        "size": found.manifest.size,
        "digest": found.digest,
        "type": found.kind,
        "icon": "",
        "creation_time": moment(found.pushed),
    }


def artifact(found: Artifact, home: StoredRepository, project_id: int) -> Json:
    """Without what a query switch adds (H10)."""
    manifest = found.manifest
    config = manifest.document.get("config", {}).get("mediaType", "")
    shown: Json = {
        "id": found.id,
        "type": "IMAGE" if not found.subject else "SIGNATURE.COSIGN",
        "media_type": config,
        "manifest_media_type": manifest.media_type,
        "artifact_type": manifest.document.get("artifactType", config),
        "project_id": project_id,
        "repository_id": home.id,
        "repository_name": home.name,
        "digest": found.digest,
        "size": manifest.size,
        "icon": "",
        "push_time": moment(found.pushed),
        "pull_time": moment(found.pulled),
        "extra_attrs": extra_attributes(found),
        "references": [_reference(found, entry) for entry in manifest.document.get("manifests") or ()] or None,
        "tags": None,
        "labels": None,
        "accessories": None,
    }
    if annotations := manifest.document.get("annotations"):
        shown["annotations"] = annotations
    if not found.subject:
        shown["addition_links"] = _addition_links(found, home.name)
    return shown


def _reference(index: Artifact, entry: Json) -> Json:
    platform = {**entry["platform"], "os.version": "", "os.features": None, "variant": ""}
    return {
        "parent_id": index.id, "child_id": 0, "child_digest": entry["digest"], "platform": platform,
        "annotations": None, "urls": None,
    }  # fmt: skip


def extra_attributes(found: Artifact) -> Json:
    config = config_of(found.manifest)
    attributes: Json = {name: config[name] for name in ("architecture", "os", "created", "config") if name in config}
    return {**attributes, "author": ""} if attributes else {}


def _addition_links(found: Artifact, repository_name: str) -> Json:
    project_name, _, inner = repository_name.partition("/")
    # H1: a name with a slash is encoded twice.
    encoded = quote(quote(inner, safe=""), safe="") if "/" in inner else inner
    base = f"/api/v2.0/projects/{project_name}/repositories/{encoded}/artifacts/{found.digest}/additions"
    return {name: {"absolute": False, "href": f"{base}/{name}"} for name in ("build_history", "vulnerabilities")}


def native_summary(report: Report) -> Json:
    """H12: the severity is empty and the summary null unless the scan succeeded."""
    done = report.status == "Success"
    end = report.end or report.start
    shown: Json = {
        "report_id": report.id,
        "scan_status": report.status,
        "severity": report.severity,
        "duration": max(0, int((end - report.start).total_seconds())),
        "summary": None,
        "start_time": second(report.start),
        "end_time": second(end) if report.end else NEVER.replace(".000", ""),
        "complete_percent": 100 if done else 0,
    }
    if done:
        found = report.vulnerabilities
        fixable = sum(bool(v.fix_version) for v in found)
        shown["summary"] = {"total": len(found), "fixable": fixable, "summary": report.counts}
        shown["scanner"] = SCANNER
    return shown


def vulnerability_report(report: Report) -> Json:
    """H13."""
    return {
        "generated_at": second(report.end or report.start),
        "scanner": SCANNER,
        "severity": report.severity,
        "vulnerabilities": [
            {
                "id": v.id, "package": v.package, "version": v.version, "fix_version": v.fix_version,
                "severity": v.severity, "description": v.description,
                "links": [f"https://avd.aquasec.com/nvd/{v.id.lower()}"], "artifact_digests": None,
                "preferred_cvss": {"score_v3": None, "score_v2": None, "vector_v3": "", "vector_v2": ""},
                "cwe_ids": None, "vendor_attributes": None,
            }
            for v in report.vulnerabilities
        ],
    }  # fmt: skip


def accepted_report_type(header: str) -> str:
    """The first type of the header that has a report, or "" (H11)."""
    offered: Sequence[str] = [part.strip() for part in header.split(",")]
    return next((mime for mime in offered if mime == REPORT_TYPE), "")
