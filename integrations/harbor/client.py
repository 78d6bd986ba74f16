"""Harbor's API: images, and what its scanner found in them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.scan import Scan, ScanStatus, Vulnerability
from bot.settings import HarborSettings
from integrations.harbor import convert, wire
from integrations.harbor.convert import REVISION, SOURCE
from integrations.harbor.difference import VulnerabilityDifference, difference
from integrations.harbor.errors import HarborRefused, refine
from integrations.harbor.names import SYSTEM, RepositoryName, repository_name
from integrations.harbor.paging import PAGE_SIZE, pages
from integrations.harbor.policy import ProjectPolicy, counted, project_policy
from integrations.harbor.reports import Reports
from integrations.http import Basic, Connection, Policy
from integrations.http.connection import Query

REPORT_TYPES = (
    "application/vnd.security.vulnerability.report; version=1.1, "
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
)
BY_NAME = {"X-Is-Resource-Name": "true"}
"""H2: a project whose name is a number is not meant by id"""
T = TypeVar("T")
UNFINISHED = (ScanStatus.PENDING, ScanStatus.RUNNING)


@dataclass(frozen=True)
class Accessory:
    """Something attached to an image. Harbor verifies no signature: that is for `Signatures` (H15)."""

    digest: str
    type: str
    size: int


class Harbor:
    """One Harbor: the port Registry, and what else there is to ask it.

    An absent project is a Refused, not a NotFound, unless the robot is a system administrator's (H5).
    """

    def __init__(self, settings: HarborSettings, policy: Policy | None = None) -> None:
        self._settings = settings
        auth = Basic(settings.username, settings.credential("password"))
        self._connection = Connection(SYSTEM, settings.url, auth=auth, tls=settings, policy=policy, refine=refine)
        self._reports = Reports()

    async def artifact(self, repository: str, reference: str) -> Artifact:
        name = repository_name(repository)
        operation = f"read {name.full}:{reference[:20]}"
        found = await self._artifact(operation, name, reference)
        return await self._described(found, repository, operation, "" if is_digest(reference) else reference)

    async def newest(self, repository: str, limit: int) -> tuple[Artifact, ...]:
        """Signatures that are tagged like images are left out (H23)."""
        name = repository_name(repository)
        operation = f"list the artifacts of {name.full}"
        size = min(limit + 10, PAGE_SIZE)
        params: Query = {"q": "tags=*", "sort": "-push_time", "with_tag": True}

        async def page(number: int) -> list[wire.Artifact]:
            return await self._page(operation, f"{name.path}/artifacts", list[wire.Artifact], number, size, params)

        found: list[wire.Artifact] = []
        async for item in pages(page, lambda a: a.digest, size):
            if len(found) == limit:
                break
            if not convert.attached(item):
                found.append(item)
        return tuple(await asyncio.gather(*(self._described(a, repository, operation) for a in found)))

    async def scan(self, image: Image) -> Scan:
        name = repository_name(image.repository)
        found = await self._artifact(
            f"read the scan of {name.full}@{image.short_digest}", name, image.digest, with_scan_overview=True
        )
        return convert.scan(found)

    async def start_scan(self, image: Image) -> None:
        """The report that there is, is kept first: starting deletes it (H14). Raises Refused without a scanner."""
        name = repository_name(image.repository)
        with suppress(NotFound, Unavailable):
            await self._report(name, image)
        try:
            await self._connection.request(
                f"scan {name.full}@{image.short_digest}", "POST", name.artifact(image.digest, "scan")
            )
        except HarborRefused as error:
            if error.status != 409:
                raise

    async def scanned(self, image: Image, within: float, every: float = 2) -> Scan:
        """Start a scan and wait for its end, both times in seconds. Raises Unavailable when it takes longer."""
        await self.start_scan(image)
        try:
            async with asyncio.timeout(within):
                while True:
                    scan = await self.scan(image)
                    if scan.status not in UNFINISHED:
                        return scan
                    await asyncio.sleep(every)
        except TimeoutError as error:
            detail = f"the scan is not over after {within:g} seconds"
            raise Unavailable(SYSTEM, f"scan {image.repository}@{image.short_digest}", detail) from error

    async def vulnerabilities(self, image: Image) -> tuple[Vulnerability, ...]:
        """Raises NotFound where no scan has ever finished: that is not the same as none found."""
        name = repository_name(image.repository)
        found, project = await asyncio.gather(self._report(name, image), self._project(name))
        return counted(found, await self._allowlist(project) if project else None)

    async def difference(self, before: Image, after: Image) -> VulnerabilityDifference:
        return difference(*await asyncio.gather(self.vulnerabilities(before), self.vulnerabilities(after)))

    async def tags(self, image: Image) -> tuple[str, ...]:
        name = repository_name(image.repository)
        operation = f"list the tags of {name.full}@{image.short_digest}"

        async def page(number: int) -> list[wire.Tag]:
            return await self._page(operation, name.artifact(image.digest, "tags"), list[wire.Tag], number)

        return tuple([tag.name async for tag in pages(page, lambda t: t.name)])

    async def labels(self, image: Image) -> tuple[str, ...]:
        """Harbor's own labels, which people stick on; not the OCI labels."""
        name = repository_name(image.repository)
        found = await self._artifact(
            f"read the labels of {name.full}@{image.short_digest}", name, image.digest, with_label=True
        )
        return tuple(label.name for label in found.labels or ())

    async def accessories(self, image: Image) -> tuple[Accessory, ...]:
        name = repository_name(image.repository)
        operation = f"list what is attached to {name.full}@{image.short_digest}"
        path = name.artifact(image.digest, "accessories")

        async def page(number: int) -> list[wire.Accessory]:
            return await self._page(operation, path, list[wire.Accessory], number)

        return tuple([Accessory(a.digest, a.type, a.size) async for a in pages(page, lambda a: a.digest)])

    async def project_policy(self, repository: str) -> ProjectPolicy:
        return project_policy(await self._read_project(repository_name(repository)))

    async def verify_login(self) -> None:
        """Raises Refused unless the robot account really is logged in.

        Bad credentials are not refused but taken for nobody's, who may still read public projects (H4): only a private
        repository proves the login.
        """
        operation = "verify the login"
        if not self._settings.probe:
            raise Refused(SYSTEM, operation, "set PILOTHOUSE_HARBOR__PROBE to a private repository (project/name)")
        name = repository_name(self._settings.probe)
        await self._connection.request(operation, "GET", name.path)
        if project_policy(await self._read_project(name)).public:
            raise Refused(SYSTEM, operation, f"the project {name.project} is public, so reading it proves nothing")

    async def ping(self) -> None:
        """Whether it is there; needs no login."""
        await self._connection.request("ping", "GET", "/api/v2.0/ping")

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _page(
        self,
        operation: str,
        path: str,
        model: type[list[T]],
        number: int,
        size: int = PAGE_SIZE,
        params: Query | None = None,
    ) -> list[T]:
        paging = {**(params or {}), "page": number, "page_size": size}
        return (await self._connection.request(operation, "GET", path, params=paging)).decode(model)

    async def _artifact(self, operation: str, name: RepositoryName, reference: str, **switches: bool) -> wire.Artifact:
        answer = await self._connection.request(
            operation,
            "GET",
            name.artifact(reference),
            params={"with_tag": True, **switches},
            headers={"X-Accept-Vulnerabilities": REPORT_TYPES},
        )
        return answer.decode(wire.Artifact)

    async def _described(self, found: wire.Artifact, repository: str, operation: str, tag: str = "") -> Artifact:
        """With the labels of its first platform's image, where it is an index."""
        described = convert.artifact(found, repository, operation, tag)
        child = next((r for r in found.references or () if not r.platform or r.platform.os != "unknown"), None)
        if described.revision or described.source or child is None or not is_digest(child.child_digest):
            return described
        platform = await self._artifact(operation, repository_name(repository), child.child_digest)
        labels = convert.labels(platform)
        return replace(described, revision=labels.get(REVISION, ""), source=labels.get(SOURCE, ""))

    async def _report(self, name: RepositoryName, image: Image) -> tuple[Vulnerability, ...]:
        operation = f"read the vulnerabilities of {name.full}@{image.short_digest}"
        answer = await self._connection.request(
            operation,
            "GET",
            name.artifact(image.digest, "additions", "vulnerabilities"),
            headers={"X-Accept-Vulnerabilities": REPORT_TYPES},
        )
        report = next((r for r in answer.decode(dict[str, wire.Report | None]).values() if r), None)
        if report is not None:
            found = tuple(convert.vulnerability(v) for v in report.vulnerabilities or ())
            self._reports.keep(image.digest, found)
            return found
        kept = self._reports.last(image.digest)
        if kept is None:
            raise NotFound(SYSTEM, operation, "no scan of it has finished")
        return kept

    async def _project(self, name: RepositoryName) -> wire.Project | None:
        """None where the robot may not read it: then nothing is on an allowlist."""
        try:
            return await self._read_project(name)
        except Refused:
            return None

    async def _read_project(self, name: RepositoryName) -> wire.Project:
        answer = await self._connection.request(
            f"read the project {name.project}", "GET", name.project_path, headers=BY_NAME
        )
        return answer.decode(wire.Project)

    async def _allowlist(self, project: wire.Project) -> wire.Allowlist | None:
        if not project_policy(project).uses_system_allowlist:
            return project.cve_allowlist
        try:
            answer = await self._connection.request(
                "read the system's CVE allowlist", "GET", "/api/v2.0/system/CVEAllowlist"
            )
        except Refused:
            return None
        return answer.decode(wire.Allowlist)
