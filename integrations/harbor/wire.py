"""What Harbor sends, as far as it is read here. Everything may be absent or null."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Raw, Struct

Moment = Annotated[datetime, Meta(tz=True)]


class Tag(Struct, frozen=True):
    name: str = ""
    push_time: Moment | None = None


class HarborPlatform(Struct, frozen=True):
    architecture: str | None = None
    os: str | None = None


class IndexChild(Struct, frozen=True):
    """A child of an image index."""

    child_digest: str = ""
    platform: HarborPlatform | None = None

    @property
    def attestation(self) -> bool:
        """Whether it only says something about an image, as what BuildKit adds does (H25)."""
        return self.platform is not None and self.platform.os == "unknown"

    @property
    def label(self) -> str:
        platform = self.platform or HarborPlatform()
        parts = [part for part in (platform.os, platform.architecture) if part]
        return "/".join(parts) or self.child_digest.removeprefix("sha256:")[:12]


class ScanSummary(Struct, frozen=True):
    """Severities with none found are left out (H12)."""

    total: int | None = None
    fixable: int | None = None
    summary: dict[str, int] | None = None


class Scanner(Struct, frozen=True):
    name: str | None = None
    vendor: str | None = None
    version: str | None = None


class ScanOverview(Struct, frozen=True):
    report_id: str | None = None
    scan_status: str | None = None
    summary: ScanSummary | None = None
    complete_percent: int | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    scanner: Scanner | None = None


class Config(Struct, frozen=True, rename="pascal"):
    """The OCI image config inside `extra_attrs`."""

    labels: dict[str, str] | None = None


class ExtraAttrs(Struct, frozen=True):
    config: Config | None = None


class HarborArtifact(Struct, frozen=True):
    """`scan_overview` is keyed by the full MIME type of the report (H11)."""

    digest: str
    project_id: int | None = None
    type: str = ""
    size: int = 0
    push_time: Moment | None = None
    tags: list[Tag] | None = None
    annotations: dict[str, str] | None = None
    references: list[IndexChild] | None = None
    scan_overview: dict[str, ScanOverview | None] | None = None
    extra_attrs: Raw = Raw(b"null")
    """free-form: read apart, so that a chart's or a model's attributes do not break the reading of images"""


class HarborVulnerability(Struct, frozen=True):
    id: str = ""
    package: str = ""
    version: str | None = None
    fix_version: str | None = None
    severity: str | None = None


class Report(Struct, frozen=True):
    vulnerabilities: list[HarborVulnerability] | None = None


class AllowlistItem(Struct, frozen=True):
    cve_id: str = ""


class Allowlist(Struct, frozen=True):
    """`expires_at`: seconds since the epoch; absent, it never ends (H18)."""

    items: list[AllowlistItem] | None = None
    expires_at: int | None = None


class ProjectMetadata(Struct, frozen=True):
    """Booleans and severities are text (H16)."""

    public: str | None = None
    auto_scan: str | None = None
    prevent_vul: str | None = None
    severity: str | None = None
    enable_content_trust: str | None = None
    enable_content_trust_cosign: str | None = None
    reuse_sys_cve_allowlist: str | None = None


class Project(Struct, frozen=True):
    name: str = ""
    metadata: ProjectMetadata | None = None
    registry_id: int | None = None
    """of the registry that it is the cache of"""
    cve_allowlist: Allowlist | None = None


class HarborErrorItem(Struct, frozen=True):
    code: str | None = None
    message: str | None = None


class HarborErrorBody(Struct, frozen=True):
    """H7."""

    errors: list[HarborErrorItem] | None = None
