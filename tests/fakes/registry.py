"""A registry in memory: images, their scans, and the scanner's findings."""

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.domain.errors import NotFound, Unavailable
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.scan import Scan, ScanStatus, Vulnerability

SYSTEM = "Harbor"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass
class MemoryRegistry:
    """Tests `push` images and let scans finish (`finish_scan`); `failing` breaks every call."""

    failing: Exception | None = None
    allowlist: frozenset[str] = frozenset()
    refusing: str = ""
    """why it hands out no image"""
    _artifacts: dict[str, list[Artifact]] = field(default_factory=dict)
    _scans: dict[str, Scan] = field(default_factory=dict)
    _found: dict[str, tuple[Vulnerability, ...]] = field(default_factory=dict)
    _clock: "itertools.count[int]" = field(default_factory=itertools.count)
    scans_started: list[Image] = field(default_factory=list)
    _children: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _relatives: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def push(self, repository: str, tag: str, *, digest: str = "", revision: str = "", source: str = "") -> Artifact:
        """A new image, which takes the tag from the one that had it."""
        digest = digest or "sha256:" + hashlib.sha256(f"{repository}:{tag}:{revision}".encode()).hexdigest()
        at = START + timedelta(minutes=next(self._clock))
        artifact = Artifact(Image(repository, digest, tag), (tag,), at, revision, source, 10_000_000)
        kept = self._artifacts.setdefault(repository, [])
        kept[:] = [without(a, tag) for a in kept if a.image.digest != digest]
        kept.append(artifact)
        return artifact

    def push_around(self, repository: str, tag: str, *relatives: str) -> Artifact:
        """An image that another manifest is around, too: words for its config and its files."""
        made = self.push(repository, tag)
        self._relatives[made.image.digest] = relatives
        return made

    def push_index(self, repository: str, tag: str, *children: Image) -> Artifact:
        """An index of images that are in the repository."""
        digests = tuple(child.digest for child in children)
        made = self.push(repository, tag, digest="sha256:" + hashlib.sha256("".join(digests).encode()).hexdigest())
        self._children[made.image.digest] = digests
        return made

    def finish_scan(self, image: Image, *found: Vulnerability, status: ScanStatus = ScanStatus.SUCCESS) -> Scan:
        """A scan is over, with these findings; a failed one leaves the findings of the one before."""
        if status is ScanStatus.SUCCESS:
            self._found[image.digest] = found
            counts = dict(Counter(v.severity for v in found))
            fixable = sum(v.fixable for v in found)
            self._scans[image.digest] = Scan(status, counts, fixable, len(found), START, "Trivy v0.60.0", 100)
        else:
            self._scans[image.digest] = Scan(status, scanner="Trivy v0.60.0")
        return self._scans[image.digest]

    async def artifact(self, repository: str, reference: str) -> Artifact:
        self._fail()
        for artifact in self._artifacts.get(repository, ()):
            if artifact.image.digest == reference:
                return artifact
            if reference in artifact.tags:
                return replace(artifact, image=replace(artifact.image, tag=reference))
        raise NotFound(SYSTEM, f"read {repository}:{reference}", "HTTP 404: no such artifact")

    async def newest(self, repository: str, limit: int) -> tuple[Artifact, ...]:
        self._fail()
        tagged = [a for a in reversed(self._artifacts.get(repository, ())) if a.tags]
        return tuple(tagged[:limit])

    async def contents(self, image: Image) -> frozenset[str]:
        await self.artifact(image.repository, image.digest)
        found, level = {image.digest}, [image.digest]
        while level:
            level = [child for each in level for child in self._children.get(each, ()) if child not in found]
            found.update(level)
        return frozenset(found).union(*(self._relatives.get(digest, ()) for digest in found))

    async def refusal(self, image: Image) -> str:
        await self.artifact(image.repository, image.digest)
        return self.refusing

    async def scan(self, image: Image) -> Scan:
        await self.artifact(image.repository, image.digest)
        return self._scans.get(image.digest, Scan(ScanStatus.NOT_SCANNED))

    async def start_scan(self, image: Image) -> None:
        await self.artifact(image.repository, image.digest)
        self.scans_started.append(image)
        self._scans[image.digest] = Scan(ScanStatus.PENDING)

    async def vulnerabilities(self, image: Image, counted: int = 0) -> tuple[Vulnerability, ...]:
        await self.artifact(image.repository, image.digest)
        operation = f"read the vulnerabilities of {image}"
        if image.digest not in self._found:
            raise NotFound(SYSTEM, operation, "no scan of it has finished")
        if len(self._found[image.digest]) < counted:
            raise Unavailable(SYSTEM, operation, "the list is shorter than the count")
        return tuple(v for v in self._found[image.digest] if v.id not in self.allowlist)

    def _fail(self) -> None:
        if self.failing:
            raise self.failing


def without(artifact: Artifact, tag: str) -> Artifact:
    assert is_digest(artifact.image.digest)
    tags = tuple(t for t in artifact.tags if t != tag)
    return replace(artifact, tags=tags, image=replace(artifact.image, tag=next(iter(tags), "")))
