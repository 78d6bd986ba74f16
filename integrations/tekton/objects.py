"""Tekton's objects in one namespace: the requests, in the version that the cluster serves (T16)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from bot.domain.errors import NotFound, Refused
from integrations.http.lines import LineTooLong, lines
from integrations.tekton import labels, wire
from integrations.tekton.cluster import Apis, Cluster, decode
from integrations.tekton.failures import Gone
from integrations.tekton.manifests import GROUP, SYSTEM, VERSIONS

PAGE = 500
"""objects"""
MOST_PAGES = 200
WATCH_SECONDS = 290
"""after which the server is asked to end a watch, so that a dead connection is noticed soon after (K1)"""
SILENCE = WATCH_SECONDS + 30.0
"""seconds, after which a watch is dead"""


class Objects:
    """Reads and writes whole objects; a page is asked for again from the start when its token has expired (K2)."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._version = ""
        self._asking = asyncio.Lock()

    async def version(self) -> str:
        """The newest version of tekton.dev that is served. Raises NotFound where Tekton is not installed."""
        async with self._asking:
            if not self._version:
                self._version = await self._discover()
        return self._version

    async def get(self, operation: str, plural: str, name: str, version: str = "") -> bytes:
        path = await self._path(plural, name, version=version)

        async def request(apis: Apis) -> Any:
            return await apis.ask("GET", path)

        return await self.cluster.read(operation, request)

    async def create(self, operation: str, plural: str, body: Mapping[str, Any]) -> bytes:
        """An unknown field is refused, not dropped (K5)."""
        path = await self._path(plural)

        async def request(apis: Apis) -> Any:
            query = {"fieldManager": labels.PRODUCT, "fieldValidation": "Strict"}
            return await apis.ask("POST", path, query, body=dict(body))

        return await self.cluster.write(operation, request)

    async def patch(self, operation: str, plural: str, name: str, body: Mapping[str, Any]) -> bytes:
        """A merge patch: custom resources know no strategic ones (K4)."""
        path = await self._path(plural, name)

        async def request(apis: Apis) -> Any:
            return await apis.ask("PATCH", path, body=dict(body), content_type="application/merge-patch+json")

        return await self.cluster.write(operation, request)

    async def pages(self, operation: str, plural: str, selector: str = "") -> AsyncIterator[wire.ListPage]:
        """Raises Gone when the list took so long that its next page is forgotten: begin again."""
        path = await self._path(plural)
        query: dict[str, str | int | bool] = {"labelSelector": selector} if selector else {}
        token = ""
        for _ in range(MOST_PAGES):
            following = {**({"continue": token} if token else {}), **query, "limit": PAGE}

            async def request(apis: Apis, query: Mapping[str, str | int | bool] = following) -> Any:
                return await apis.ask("GET", path, query)

            page = decode(operation, await self.cluster.read(operation, request), wire.ListPage)
            yield page
            token = page.metadata.continue_
            if not token:
                return
        raise Refused(SYSTEM, operation, f"the list has more than {MOST_PAGES} pages")

    async def all(self, operation: str, plural: str, selector: str = "") -> tuple[list[msgspec.Raw], str]:
        """Every object, and the version of the list."""
        for last in (False, True):
            items: list[msgspec.Raw] = []
            version = ""
            try:
                async for page in self.pages(operation, plural, selector):
                    items += page.items or []
                    version = page.metadata.resource_version
            except Gone:
                if last:
                    raise
            else:
                return items, version
        raise AssertionError("unreachable: the last try returns or raises")

    @asynccontextmanager
    async def watch(
        self, operation: str, plural: str, since: str
    ) -> AsyncIterator[AsyncIterator[wire.KubernetesWatchEvent]]:
        """Events after the version `since`, until the server ends the watch. Raises Gone for a version too old (K1)."""
        path = await self._path(plural)
        query: dict[str, str | int | bool] = {
            "allowWatchBookmarks": True,
            "resourceVersion": since,
            "timeoutSeconds": WATCH_SECONDS,
            "watch": True,
        }

        async def request(apis: Apis) -> Any:
            return await apis.ask("GET", path, query, patience=(self.cluster.policy.connect, SILENCE))

        async with self.cluster.stream(operation, request, SILENCE) as chunks:
            yield self._events(operation, chunks)

    async def _events(self, operation: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[wire.KubernetesWatchEvent]:
        try:
            async for line in lines(chunks, self.cluster.policy.line_limit):
                yield decode(operation, line, wire.KubernetesWatchEvent)
        except LineTooLong as error:
            raise Refused(SYSTEM, operation, "a line of the watch is longer than any object") from error

    async def _path(self, *tail: str, version: str = "") -> tuple[str, ...]:
        return ("apis", GROUP, version or await self.version(), "namespaces", self.namespace, *tail)

    async def _discover(self) -> str:
        for version in VERSIONS:

            async def request(apis: Apis, version: str = version) -> Any:
                return await apis.ask("GET", ("apis", GROUP, version))

            try:
                await self.cluster.read("find Tekton's version", request)
            except NotFound:
                continue
            return version
        detail = f"the cluster serves neither {GROUP}/{' nor '.join(VERSIONS)}: install Tekton Pipelines"
        raise NotFound(SYSTEM, "find Tekton's version", detail)
