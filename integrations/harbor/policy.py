"""What a Harbor project demands of its images."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.scan import Severity, Vulnerability
from integrations.harbor import wire
from integrations.harbor.convert import severity


@dataclass(frozen=True)
class ProjectPolicy:
    """`prevents_pull_from`: Harbor refuses the pull of images with findings of that severity or above (H17)."""

    public: bool
    scans_on_push: bool
    prevents_pull_from: Severity | None
    requires_cosign: bool
    requires_notation: bool
    uses_system_allowlist: bool
    proxy_cache: bool
    """whether it only keeps what it fetches from another registry"""

    @property
    def restricts_pulls(self) -> bool:
        return self.prevents_pull_from is not None or self.requires_cosign or self.requires_notation


def project_policy(project: wire.Project) -> ProjectPolicy:
    """H16: true is the text "true"."""
    given = project.metadata or wire.ProjectMetadata()
    return ProjectPolicy(
        public=given.public == "true",
        scans_on_push=given.auto_scan == "true",
        prevents_pull_from=severity(given.severity) if given.prevent_vul == "true" else None,
        requires_cosign=given.enable_content_trust_cosign == "true",
        requires_notation=given.enable_content_trust == "true",
        uses_system_allowlist=given.reuse_sys_cve_allowlist == "true",
        proxy_cache=bool(project.registry_id),
    )


def allowed(allowlist: wire.Allowlist | None, now: datetime) -> frozenset[str]:
    """The CVE ids that do not count; none when the list has expired (H18)."""
    if allowlist is None or (allowlist.expires_at is not None and allowlist.expires_at <= now.timestamp()):
        return frozenset()
    return frozenset(item.cve_id for item in allowlist.items or () if item.cve_id)


def without_allowed(found: Iterable[Vulnerability], allowlist: wire.Allowlist | None) -> tuple[Vulnerability, ...]:
    """What is left when the allowlist is subtracted, which Harbor does not do itself (H12)."""
    ids = allowed(allowlist, datetime.now(UTC))
    return tuple(v for v in found if v.id not in ids)
