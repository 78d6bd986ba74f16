"""Requests to GitHub: authenticated, paced, and silent while a limit lasts (G14, G15, G16)."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

from bot.domain.errors import Refused
from bot.settings import GitHubSettings
from integrations.github import wire
from integrations.github.failures import SYSTEM, BadCredentials, from_graphql, limited_graphql, refine
from integrations.github.silence import Silence
from integrations.github.tokens import HEADERS, Tokens
from integrations.http import Answer, Bearer, Connection, HttpPolicy

T = TypeVar("T")
AT_ONCE = 10
BETWEEN_WRITES = 1.0
"""seconds (G16)"""
MOST_PAGES = 1000
"""of a hundred each"""


class GitHubApi:
    """One connection. `between_writes` in seconds; `clock` counts those of the pauses that GitHub asks for."""

    def __init__(
        self,
        settings: GitHubSettings,
        policy: HttpPolicy,
        between_writes: float = BETWEEN_WRITES,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = Tokens(settings, policy)
        self._graphql = graphql_url(settings.api_url)
        self._connection = Connection(
            SYSTEM, settings.api_url, auth=Bearer(self._tokens), tls=settings, policy=policy, refine=refine
        )
        self._between_writes = between_writes
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._writing = asyncio.Lock()
        self._wrote = -between_writes
        self._silence = Silence(clock)

    async def get(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return await self._request(operation, "GET", path, params=params, headers=headers)

    async def write(self, operation: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Sent once, at least `between_writes` after the one before (G16)."""
        async with self._writing:
            await asyncio.sleep(max(0.0, self._wrote + self._between_writes - time.monotonic()))
            try:
                return await self._request(operation, method, path, body=body)
            finally:
                self._wrote = time.monotonic()

    async def mutate(self, operation: str, query: str, variables: Mapping[str, Any]) -> wire.CreatedCommitData:
        """A GraphQL mutation. Its errors come with HTTP 200 (G3)."""
        answer = await self.write(operation, "POST", self._graphql, {"query": query, "variables": variables})
        decoded = answer.decode(wire.GraphQLAnswer)
        if decoded.errors:
            raise from_graphql(answer, decoded.errors)
        return decoded.data or wire.CreatedCommitData()

    async def query(self, operation: str, query: str, variables: Mapping[str, Any], model: type[T]) -> T:
        """A GraphQL query, which is no write though it is posted."""
        answer = await self._request(
            operation, "POST", self._graphql, body={"query": query, "variables": variables}, idempotent=True
        )
        return answer.decode(model)

    async def pages(
        self, operation: str, path: str, params: Mapping[str, str | int], model: type[T]
    ) -> AsyncIterator[T]:
        """Follows `Link` to the end (G9). Raises Refused where there is none within `MOST_PAGES`."""
        for number in range(1, MOST_PAGES + 1):
            answer = await self.get(operation, path, {**params, "per_page": 100, "page": number})
            yield answer.decode(model)
            if not re.search(r'rel="next"', answer.headers.get("link", "")):
                return
        raise Refused(SYSTEM, operation, f"the list has more than {MOST_PAGES} pages")

    async def close(self) -> None:
        await self._connection.aclose()
        await self._tokens.close()

    async def _request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotent: bool | None = None,
    ) -> Answer:
        """Once more with a new token, if the one that the App had was refused."""

        async def send() -> Answer:
            answer = await self._connection.request(
                operation,
                method,
                path,
                params=params,
                headers={**HEADERS, **(headers or {})},
                json=body,
                idempotent=idempotent,
            )
            if path == self._graphql and (limit := limited_graphql(answer)):
                raise limit
            return answer

        async with self._slots:
            try:
                return await self._unless_silent(operation, send)
            except BadCredentials:
                if not self._tokens.spoiled():
                    raise
                return await self._unless_silent(operation, send)

    async def _unless_silent(self, operation: str, send: Callable[[], Awaitable[Answer]]) -> Answer:
        with self._silence.kept(operation):
            await self._tokens.fresh()
            return await send()


def graphql_url(api_url: str) -> str:
    """Beside REST: api.github.com/graphql, or /api/graphql where REST is /api/v3."""
    base = api_url.rstrip("/")
    return f"{base.removesuffix('/v3')}/graphql"


def web_url(api_url: str) -> str:
    """Where people look: the host without `api.` on github.com and ghe.com, the host itself where REST is /api/v3."""
    base = api_url.rstrip("/")
    cloud = base == "https://api.github.com" or base.endswith(".ghe.com")
    return base.replace("://api.", "://", 1) if cloud else base.removesuffix("/api/v3")
