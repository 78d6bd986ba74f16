"""Harbor's own things, as it keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .content import Manifest

ScanStatus = Literal["Pending", "Running", "Success", "Error", "Stopped"]
SEVERITIES = ("None", "Unknown", "Negligible", "Low", "Medium", "High", "Critical")


@dataclass(frozen=True)
class Vulnerability:
    """`fix_version` is empty when there is no fix."""

    id: str
    package: str
    version: str
    fix_version: str
    severity: str
    description: str = ""


@dataclass
class Report:
    """One scan of one artifact; the vulnerabilities count only when it is Success (H12)."""

    id: str
    status: ScanStatus
    start: datetime
    end: datetime | None = None
    vulnerabilities: Sequence[Vulnerability] = ()

    @property
    def severity(self) -> str:
        if self.status != "Success":
            return ""
        return max((v.severity for v in self.vulnerabilities), key=SEVERITIES.index, default="None")

    @property
    def counts(self) -> dict[str, int]:
        """Severities with 0 are left out (H12)."""
        found = {name: sum(v.severity == name for v in self.vulnerabilities) for name in reversed(SEVERITIES)}
        return {name: count for name, count in found.items() if count}


@dataclass
class Tag:
    id: int
    name: str
    pushed: datetime


@dataclass
class Label:
    id: int
    name: str
    color: str
    created: datetime
    project_id: int = 0


@dataclass
class Artifact:
    """`subject` is the digest of what an accessory is attached to, and `kind` its type (H15)."""

    id: int
    manifest: Manifest
    pushed: datetime
    tags: list[Tag] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    report: Report | None = None
    pulled: datetime | None = None
    subject: str = ""
    kind: str = ""

    @property
    def digest(self) -> str:
        return self.manifest.digest


@dataclass
class StoredRepository:
    """`name` begins with the project's."""

    id: int
    name: str
    created: datetime
    artifacts: list[Artifact] = field(default_factory=list)
    pulls: int = 0

    def find(self, reference: str) -> Artifact | None:
        """By digest or tag."""
        for artifact in self.artifacts:
            if artifact.digest == reference or any(tag.name == reference for tag in artifact.tags):
                return artifact
        return None

    def images(self) -> list[Artifact]:
        """What Harbor lists: what an index consists of only where it has a tag of its own."""
        return [a for a in self.artifacts if not a.subject and (a.tags or not self.in_index(a))]

    def in_index(self, part: Artifact) -> bool:
        entries = (entry for a in self.artifacts for entry in a.manifest.document.get("manifests") or ())
        return any(entry["digest"] == part.digest for entry in entries)

    def platforms(self, index: Artifact) -> list[Artifact]:
        """The images of an index; what only attests something about one is none of them (H25)."""
        entries = index.manifest.document.get("manifests") or ()
        digests = [entry["digest"] for entry in entries if entry["platform"]["os"] != "unknown"]
        return [artifact for artifact in self.artifacts if artifact.digest in digests]

    def accessories(self, digest: str) -> list[Artifact]:
        return [artifact for artifact in self.artifacts if artifact.subject == digest]


@dataclass
class Project:
    """`metadata` values are strings (H16). `allowlist_expires`: epoch seconds, None = never (H18)."""

    id: int
    name: str
    created: datetime
    metadata: dict[str, str]
    allowlist: tuple[str, ...] = ()
    allowlist_expires: int | None = None
    scanner_enabled: bool = True
    repositories: dict[str, StoredRepository] = field(default_factory=dict)

    @property
    def public(self) -> bool:
        return self.metadata.get("public") == "true"

    def live_allowlist(self, now: datetime) -> frozenset[str]:
        """An expired list counts as empty (H18)."""
        if self.allowlist_expires is not None and self.allowlist_expires < now.timestamp():
            return frozenset()
        return frozenset(self.allowlist)
