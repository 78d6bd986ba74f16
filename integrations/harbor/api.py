"""Requests to Harbor's API, each with the permission that it needs."""

from collections.abc import Mapping
from typing import TypeVar

from bot.domain.errors import IntegrationError, Refused
from bot.domain.image import is_digest
from bot.settings import HarborSettings
from integrations.harbor import wire
from integrations.harbor.errors import HarborRefused, hidden, lacking, refine
from integrations.harbor.names import SYSTEM, RepositoryName
from integrations.harbor.paging import PAGE_SIZE
from integrations.harbor.permissions import HarborPermission
from integrations.http import Answer, Basic, Connection, HttpPolicy
from integrations.http.connection import Query

REPORT_TYPES = (
    "application/vnd.security.vulnerability.report; version=1.1, "
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
)
ACCEPTED = {"X-Accept-Vulnerabilities": REPORT_TYPES}
BY_NAME = {"X-Is-Resource-Name": "true"}
"""H2: a project whose name is a number is not meant by id"""
T = TypeVar("T")


class HarborApi:
    """A 403 is explained: it has many causes, and Harbor says the same to all of them (H28)."""

    def __init__(self, settings: HarborSettings, policy: HttpPolicy | None) -> None:
        auth = Basic(settings.username, settings.credential("password"))
        self._connection = Connection(SYSTEM, settings.url, auth=auth, tls=settings, policy=policy, refine=refine)

    async def ask(
        self,
        operation: str,
        name: RepositoryName,
        permission: HarborPermission,
        path: str,
        *,
        method: str = "GET",
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            return await self._connection.request(operation, method, path, params=params, headers=headers)
        except HarborRefused as error:
            if error.status != 403:
                raise
            raise await self._explained(error, name, permission) from error

    async def artifact(
        self, operation: str, name: RepositoryName, reference: str, **switches: bool
    ) -> wire.HarborArtifact:
        answer = await self.ask(
            operation,
            name,
            HarborPermission.READ_ARTIFACT,
            name.artifact(reference),
            params={"with_tag": True, **switches},
            headers=ACCEPTED,
        )
        found = answer.decode(wire.HarborArtifact)
        if is_digest(reference) and found.digest != reference:
            raise Refused(answer.system, operation, f"asked for {reference[:19]}, it answers with {found.digest[:19]}")
        return found

    async def tagged(self, name: RepositoryName, number: int) -> list[wire.HarborArtifact]:
        """A page of what has a tag, the newest image first (H9)."""
        params: Query = {"q": "tags=*", "sort": "-push_time", "with_tag": True, "page": number, "page_size": PAGE_SIZE}
        operation = f"list the artifacts of {name.full}"
        answer = await self.ask(
            operation, name, HarborPermission.LIST_ARTIFACTS, f"{name.path}/artifacts", params=params
        )
        return answer.decode(list[wire.HarborArtifact])

    async def report(self, operation: str, name: RepositoryName, digest: str) -> wire.Report | None:
        """None where no scan has finished (H13)."""
        path = name.artifact(digest, "additions", "vulnerabilities")
        answer = await self.ask(operation, name, HarborPermission.READ_REPORT, path, headers=ACCEPTED)
        return next((r for r in answer.decode(dict[str, wire.Report | None]).values() if r), None)

    async def start_scan(self, operation: str, name: RepositoryName, digest: str) -> None:
        await self.ask(operation, name, HarborPermission.START_SCAN, name.artifact(digest, "scan"), method="POST")

    async def project(self, name: RepositoryName) -> wire.Project:
        operation = f"read the project {name.project}"
        answer = await self.ask(operation, name, HarborPermission.READ_PROJECT, name.project_path, headers=BY_NAME)
        return answer.decode(wire.Project)

    async def system_allowlist(self) -> wire.Allowlist:
        """Whoever is logged in may read it."""
        operation = "read the system's CVE allowlist"
        answer = await self._connection.request(operation, "GET", "/api/v2.0/system/CVEAllowlist")
        return answer.decode(wire.Allowlist)

    async def ping(self) -> None:
        await self._connection.request("ping", "GET", "/api/v2.0/ping")

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def _explained(self, error: HarborRefused, name: RepositoryName, needed: HarborPermission) -> HarborRefused:
        if needed is HarborPermission.READ_PROJECT:
            return hidden(error, name.project)
        try:
            await self._connection.request("read the project", "GET", name.project_path, headers=BY_NAME)
        except IntegrationError:
            return hidden(error, name.project)
        return lacking(error, name.project, needed)
