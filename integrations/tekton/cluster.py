"""The API server: who we are there, how long we wait for it, and how much of its answers we read."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import aiohttp
import msgspec
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, stop_before_delay

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.settings import KubernetesSettings
from integrations.http.connection import WaitAsAsked
from integrations.http.paths import are_names
from integrations.http.policy import HttpPolicy
from integrations.tekton.failures import Gone, Unauthorized, from_status, from_transport
from integrations.tekton.manifests import SYSTEM
from integrations.tekton.package import ApiClient, Configuration, config, rest

T = TypeVar("T")
_CHUNK = 1 << 16
_ERROR_LIMIT = 1 << 16
NOTHING: Mapping[str, str | int | bool] = MappingProxyType({})
CLOSED = "the connection was closed"
ENDED = "the credentials have changed"
_SCHEME = re.compile(r"(?i)^(?:bearer|basic)\s+")
_TRANSPORT = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


@dataclass(frozen=True)
class Apis:
    """The package's client with its connection pool, and the answers that are being read from it.

    The generated classes above it are not used: a tenth of a second and 9 MiB of each start (decisions 208 and 408).
    """

    client: Any
    reading: set[aiohttp.ClientResponse] = field(default_factory=set)

    async def pod_log(self, namespace: str, pod: str, **query: str | int | bool) -> aiohttp.ClientResponse:
        path = ("api", "v1", "namespaces", namespace, "pods", pod, "log")
        return await self.ask("GET", path, query, accept="text/plain, application/json")

    async def ask(
        self,
        method: str,
        path: Sequence[str],
        query: Mapping[str, str | int | bool] = NOTHING,
        *,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        patience: tuple[float, float] | None = None,
    ) -> aiohttp.ClientResponse:
        """As the generated methods ask. The pieces of `path` are quoted; `patience`: seconds to connect, of silence.

        Raises NotFound for a piece that no object has as its name: `..` is quoted by nobody, and would lead elsewhere.
        """
        if not are_names(path) or any("/" in piece for piece in path):
            raise NotFound(SYSTEM, f"{method} {'/'.join(path)[:200]}", "a name in the path would lead elsewhere")
        asked = await self.client.param_serialize(
            method=method,
            resource_path="".join(f"/{{{number}}}" for number in range(len(path))),
            path_params={str(number): piece for number, piece in enumerate(path)},
            query_params=list(query.items()),
            header_params={"Accept": accept} | ({"Content-Type": content_type} if body is not None else {}),
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self.client.call_api(*asked, _preload_content=False, _request_timeout=patience)
        response: aiohttp.ClientResponse = answer.response
        return response

    def credentials(self) -> tuple[str, ...]:
        """What no error may repeat. In a cluster the scheme is written small."""
        configuration = self.client.configuration
        basic = configuration.get_basic_auth_token() if configuration.password else ""
        secrets = (*configuration.api_key.values(), configuration.password or "", basic or "")
        return tuple(filter(None, (_SCHEME.sub("", str(secret)).strip() for secret in secrets)))

    async def close(self) -> None:
        """Whoever reads is woken first: aiohttp would drop what they wait for without a word (K6)."""
        for response in self.reading:
            response.content.set_exception(aiohttp.ClientConnectionError(ENDED))
        await self.client.close()


Request = Callable[[Apis], Awaitable[Any]]
"""answers an aiohttp response, by `Apis.ask`"""


class Cluster:
    """Requests with one identity. Raises Unavailable and Refused (with their children) only.

    A kubeconfig that changes on disk, and a service account token that is rotated, are picked up. Once closed it stays
    closed: a request that comes later would open a session that nobody closes.
    """

    def __init__(self, settings: KubernetesSettings, policy: HttpPolicy) -> None:
        self.policy = policy
        self._settings = settings
        self._loading = asyncio.Lock()
        self._apis: Apis | None = None
        self._seen = 0
        self._closed = False

    async def read(self, operation: str, request: Request, *, tail: int | None = None) -> bytes:
        """The body of an answer to an idempotent request, tried again while the server is away.

        `tail`: only the last so many bytes are kept, however long it is.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, Unavailable) and not isinstance(error, Gone)),
            wait=WaitAsAsked(self.policy),
            stop=stop_after_attempt(self.policy.attempts) | stop_before_delay(self.policy.total),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self.policy.total):
                return await retrying(self.write, operation, request, tail=tail)
        except TimeoutError as error:
            raise Unavailable(SYSTEM, operation, f"no answer within {self.policy.total:g} seconds") from error

    async def write(self, operation: str, request: Request, *, tail: int | None = None) -> bytes:
        """The body of an answer; the request is sent once, and once more when the credentials have changed."""
        try:
            return await self._once(operation, request, tail)
        except Unauthorized:
            # Tokens of exec plugins and of rotated files expire: they are loaded again.
            return await self._once(operation, request, tail)

    @asynccontextmanager
    async def stream(self, operation: str, request: Request, silence: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of an endless answer, which may be silent for so many seconds; the request asks for as many.

        Raises Unavailable also when the credentials change meanwhile: begin again.
        """
        try:
            async with asyncio.timeout(self.policy.read):
                apis = await self._connected(operation)  # a kubeconfig may ask a program for its credentials
        except TimeoutError as error:
            raise from_transport(operation, error) from error
        async with self._sent(operation, apis, request) as response:
            yield _chunks(operation, response, silence)

    async def close(self) -> None:
        self._closed = True
        async with self._loading:
            await self._close_apis()

    async def _once(self, operation: str, request: Request, tail: int | None) -> bytes:
        try:
            async with asyncio.timeout(self.policy.read):
                apis = await self._connected(operation)
                async with self._sent(operation, apis, request) as response:
                    if tail is not None:
                        return await _end(operation, response, tail)
                    return await _body(operation, response, self.policy.body_limit)
        except TimeoutError as error:
            raise from_transport(operation, error) from error

    @asynccontextmanager
    async def _sent(self, operation: str, apis: Apis, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is no refusal. Credentials that are refused are forgotten."""
        try:
            response: aiohttp.ClientResponse = await request(apis)
        except _TRANSPORT as error:
            raise from_transport(operation, error) from error
        except (RuntimeError, AssertionError) as error:
            # Another request found the credentials changed and closed the session under this one; aiohttp asserts that
            # nobody does.
            raise Unavailable(SYSTEM, operation, CLOSED) from error
        apis.reading.add(response)
        try:
            # What it carried is hidden, not what is in use by the time it is read.
            await _check(operation, response, apis.credentials())
            yield response
        except Unauthorized:
            await self._forget(apis)
            raise
        finally:
            apis.reading.discard(response)
            # One that was not read to its end cannot be used again.
            response.release() if response.content.is_eof() else response.close()

    async def _connected(self, operation: str) -> Apis:
        async with self._loading:
            changed = await asyncio.to_thread(self._stamp)
            if self._closed:
                raise Unavailable(SYSTEM, operation, CLOSED)
            if self._apis is None or changed != self._seen:
                await self._close_apis()
                self._apis, self._seen = await self._load(operation), changed
            return self._apis

    async def _load(self, operation: str) -> Apis:
        settings, configuration = self._settings, Configuration()
        try:
            if settings.kubeconfig:
                await config.load_kube_config(  # type: ignore[no-untyped-call]
                    str(settings.kubeconfig),
                    context=settings.context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
                # In a cluster it is next door, and NO_PROXY's ranges of addresses are not understood here.
                configuration.client_session_kwargs = {"trust_env": True}
            else:
                config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
            api_client = ApiClient(configuration)
            api_client.rest_client = TimedRest(configuration)
        except Exception as error:  # noqa: BLE001 (the loader raises whatever a malformed file makes it trip over)
            # Other texts than its own may quote the file, which holds secrets.
            told = str(error) if isinstance(error, config.ConfigException) else type(error).__name__
            detail = f"PILOTHOUSE_KUBERNETES__KUBECONFIG or the service account cannot be used: {told}"
            raise Refused(SYSTEM, operation, detail) from None
        api_client.user_agent = "pilothouse"
        return Apis(api_client)

    def _stamp(self) -> int:
        path: Path | None = self._settings.kubeconfig
        try:
            return path.stat().st_mtime_ns if path else 0
        except OSError:
            return 0

    async def _forget(self, refused: Apis) -> None:
        """Only those that were refused: by now others may be in use."""
        async with self._loading:
            if self._apis is refused:
                await self._close_apis()

    async def _close_apis(self) -> None:
        apis, self._apis = self._apis, None
        if apis:
            await apis.close()


class TimedRest(rest.RESTClientObject):
    """Understands `_request_timeout=(connect, silence)`, which the generated client documents but hands on as it is.

    Once closed it stays closed: the generated client would open a session anew, which nobody closes.
    """

    closed = False

    async def close(self) -> None:
        self.closed = True
        await super().close()

    async def request(self, *args: Any, _request_timeout: Any = None, **kwargs: Any) -> Any:
        if self.closed:
            raise RuntimeError(CLOSED)
        connect, silence = (
            _request_timeout if isinstance(_request_timeout, tuple) else (HttpPolicy.connect, HttpPolicy.read)
        )
        timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=silence)
        return await super().request(*args, **kwargs, _request_timeout=timeout)  # type: ignore[no-untyped-call, misc]


async def _check(operation: str, response: aiohttp.ClientResponse, credentials: tuple[str, ...]) -> None:
    if response.status < 300:
        return
    body = await response.content.read(_ERROR_LIMIT)
    for credential in credentials:  # a server, or a proxy, may repeat to us what it was sent
        body = body.replace(credential.encode(), b"***")
    raise from_status(operation, response.status, body, response.headers.get("Retry-After", ""))


async def _body(operation: str, response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for chunk in _chunks(operation, response):
        body += chunk
        if len(body) > limit:
            response.close()
            raise Refused(SYSTEM, operation, f"the answer is larger than {limit} bytes")
    return bytes(body)


async def _end(operation: str, response: aiohttp.ClientResponse, size: int) -> bytes:
    body = bytearray()
    async for chunk in _chunks(operation, response):
        body += chunk
        del body[:-size]
    return bytes(body)


async def _chunks(
    operation: str, response: aiohttp.ClientResponse, silence: float | None = None
) -> AsyncIterator[bytes]:
    """aiohttp's own timer goes with the session; this one does not (K6)."""
    chunks = response.content.iter_chunked(_CHUNK)
    try:
        while True:
            async with asyncio.timeout(silence):
                chunk = await anext(chunks, b"")
            if not chunk:
                return
            yield chunk
    except _TRANSPORT as error:
        raise from_transport(operation, error) from error


def decode(operation: str, body: bytes | msgspec.Raw, model: type[T]) -> T:
    """Raises Refused for what is not the JSON that was expected."""
    try:
        return msgspec.json.decode(body, type=model)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        kind = "invalid UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise Refused(SYSTEM, operation, f"the answer is not what was expected: {kind}") from error
