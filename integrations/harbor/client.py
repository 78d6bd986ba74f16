"""Harbor's API: images, and what its scanner found in them."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Self

from bot.domain.errors import IntegrationError, NotFound, Refused, Unavailable
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.scan import Scan, ScanStatus, Vulnerability
from bot.settings import HarborSettings
from integrations.harbor import convert, wire
from integrations.harbor.api import HarborApi
from integrations.harbor.contents import IndexContents
from integrations.harbor.convert import REVISION, SOURCE
from integrations.harbor.errors import (
    NO_REPORT,
    SCANNER_AWAY,
    SHORT_LIST,
    UNSCANNABLE,
    HarborAway,
    HarborNotFound,
    HarborRefused,
)
from integrations.harbor.names import SYSTEM, RepositoryName, repository_name
from integrations.harbor.paging import pages
from integrations.harbor.permissions import HarborPermission
from integrations.harbor.policy import ProjectPolicy, project_policy, without_allowed
from integrations.harbor.reports import Reports
from integrations.http import HttpPolicy

NOBODYS = "sha256:" + "0" * 64
"""the digest of nothing"""
NEWEST_PAGES = 5
"""of a hundred images: a tag that was set today on one that is older than those is not found among the newest"""


class Harbor:
    """One Harbor: the port Registry, and what else there is to ask it.

    An absent project is a Refused, not a NotFound, unless the robot is a system administrator's (H5).
    """

    def __init__(self, settings: HarborSettings, policy: HttpPolicy | None = None) -> None:
        self._settings = settings
        self._api = HarborApi(settings, policy)
        self._portal = (settings.web_url or settings.url).rstrip("/")
        self._reports = Reports()
        self._contents = IndexContents(self._children)

    async def artifact(self, repository: str, reference: str) -> Artifact:
        name = repository_name(repository)
        operation = f"read {name.full}:{reference[:20]}"
        found = await self._api.artifact(operation, name, reference)
        return await self._described(found, repository, operation, "" if is_digest(reference) else reference)

    async def newest(self, repository: str, limit: int) -> tuple[Artifact, ...]:
        """By the push of the tag: it may be set on an old image. Signatures tagged like images are left out (H23)."""
        name = repository_name(repository)

        async def page(number: int) -> list[wire.HarborArtifact]:
            return await self._api.tagged(name, number)

        found = [a async for a in pages(page, lambda a: a.digest, most=NEWEST_PAGES) if not convert.attached(a)]
        newest = sorted(found, key=convert.tagged_at, reverse=True)[:limit]
        operation = f"list the artifacts of {name.full}"
        return tuple(await asyncio.gather(*(self._described(a, repository, operation) for a in newest)))

    async def contents(self, image: Image) -> frozenset[str]:
        """The digests of all that it consists of: its own, and for an index those of everything under it."""
        return await self._contents.of(image.repository, image.digest)

    async def scan(self, image: Image) -> Scan:
        name = repository_name(image.repository)
        operation = f"read the scan of {name.full}@{image.short_digest}"
        found = await self._api.artifact(operation, name, image.digest, with_scan_overview=True)
        scan = convert.scan(found)
        if scan.status is ScanStatus.NOT_SCANNED and await self._api.report(operation, name, image.digest):
            return replace(scan, status=ScanStatus.SCANNER_AWAY)  # H26
        if scan.status is ScanStatus.INCOMPLETE and found.references:
            return convert.unfinished(scan, await self._platforms(operation, name, found.references))
        return scan

    async def start_scan(self, image: Image) -> None:
        """The report that there is, is kept first: starting deletes it (H14).

        Raises Unavailable while Harbor's scanner is away (H26) or Harbor is read-only (H28), Refused without a scanner.
        """
        name = repository_name(image.repository)
        with suppress(NotFound, Unavailable):
            await self._report(name, image)
        operation = f"scan {name.full}@{image.short_digest}"
        try:
            await self._api.start_scan(operation, name, image.digest)
        except HarborRefused as error:
            if error.status == 400:
                raise await self._unscannable(error, name, image) from error
            if error.status != 409:
                raise

    async def vulnerabilities(self, image: Image, counted: int = 0) -> tuple[Vulnerability, ...]:
        """Raises NotFound where no scan has ever finished: that is not the same as none found."""
        name = repository_name(image.repository)
        found, project = await asyncio.gather(self._report(name, image), self._project(name))
        if len(found) < counted:
            detail = f"{len(found)} findings are listed, {counted} counted"
            raise HarborAway(SYSTEM, f"read the vulnerabilities of {name.full}", detail, SHORT_LIST)
        return without_allowed(found, await self._allowlist(project) if project else None)

    async def project_policy(self, repository: str) -> ProjectPolicy:
        return project_policy(await self._api.project(repository_name(repository)))

    async def verify_scanning(self, repository: str) -> None:
        """Raises what the start of a scan would raise, and starts none: Harbor looks at the permission first (H28)."""
        name = repository_name(repository)
        with suppress(NotFound):
            await self._api.start_scan(f"ask whether {name.full} may be scanned", name, NOBODYS)

    async def verify_login(self) -> None:
        """Raises Refused unless the robot account really is logged in.

        Bad credentials are not refused but taken for nobody's, who may still read public projects (H4): only a private
        repository proves the login.
        """
        operation = "verify the login"
        if not self._settings.probe:
            raise Refused(SYSTEM, operation, "set PILOTHOUSE_HARBOR__PROBE to a private repository (project/name)")
        name = repository_name(self._settings.probe)
        await self._api.ask(operation, name, HarborPermission.READ_REPOSITORY, name.path)
        if project_policy(await self._api.project(name)).public:
            raise Refused(SYSTEM, operation, f"the project {name.project} is public, so reading it proves nothing")

    async def ping(self) -> None:
        """Whether it is there; needs no login."""
        await self._api.ping()

    async def aclose(self) -> None:
        await self._api.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _described(self, found: wire.HarborArtifact, repository: str, operation: str, tag: str = "") -> Artifact:
        """With the labels of its first platform's image, where it is an index."""
        described = convert.artifact(found, repository, operation, tag, portal=self._portal)
        child = next((r for r in found.references or () if not r.attestation), None)
        if described.revision or described.source or child is None or not is_digest(child.child_digest):
            return described
        platform = await self._api.artifact(operation, repository_name(repository), child.child_digest)
        labels = convert.labels(platform)
        return replace(described, revision=labels.get(REVISION, ""), source=labels.get(SOURCE, ""))

    async def _children(self, repository: str, digest: str) -> tuple[str, ...]:
        name = repository_name(repository)
        found = await self._api.artifact(f"look into {name.full}@{digest[7:19]}", name, digest)
        return tuple(r.child_digest for r in found.references or () if is_digest(r.child_digest))

    async def _platforms(
        self, operation: str, name: RepositoryName, references: list[wire.IndexChild]
    ) -> list[tuple[str, Scan]]:
        """The scan of each platform's image; what only attests something about one does not count (H25)."""
        platforms = [r for r in references if not r.attestation]
        scans = await asyncio.gather(*(self._child_scan(operation, name, r.child_digest) for r in platforms))
        return [(r.label, scan) for r, scan in zip(platforms, scans, strict=True)]

    async def _child_scan(self, operation: str, name: RepositoryName, digest: str) -> Scan:
        try:
            return convert.scan(await self._api.artifact(operation, name, digest, with_scan_overview=True))
        except IntegrationError:
            return Scan(ScanStatus.NOT_SCANNED)  # it names what is missing; that something is, is known already

    async def _unscannable(self, error: HarborRefused, name: RepositoryName, image: Image) -> IntegrationError:
        """H26: the same 400 for what can never be scanned and for an image whose scanner is away."""
        found = await self._api.artifact(error.operation, name, image.digest)
        if found.type in ("", "IMAGE"):
            return HarborAway(error.system, error.operation, error.detail, SCANNER_AWAY)
        return HarborRefused(error.system, error.operation, error.detail, error.status, UNSCANNABLE)

    async def _report(self, name: RepositoryName, image: Image) -> tuple[Vulnerability, ...]:
        operation = f"read the vulnerabilities of {name.full}@{image.short_digest}"
        report = await self._api.report(operation, name, image.digest)
        if report is not None:
            found = tuple(convert.vulnerability(v) for v in report.vulnerabilities or ())
            self._reports.keep(image.digest, found)
            return found
        kept = self._reports.last(image.digest)
        if kept is None:
            raise HarborNotFound(SYSTEM, operation, "no scan of it has finished", NO_REPORT)
        return kept

    async def _project(self, name: RepositoryName) -> wire.Project | None:
        """None where the robot may not read it: then nothing is on an allowlist."""
        try:
            return await self._api.project(name)
        except Refused:
            return None

    async def _allowlist(self, project: wire.Project) -> wire.Allowlist | None:
        if not project_policy(project).uses_system_allowlist:
            return project.cve_allowlist
        try:
            return await self._api.system_allowlist()
        except Refused:
            return None
