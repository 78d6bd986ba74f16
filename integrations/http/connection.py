"""A connection to one system."""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self

import httpx
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.settings import Tls
from integrations.http.answer import Answer
from integrations.http.auth import Anonymous, Auth, CredentialError, CredentialUnreadable
from integrations.http.failures import Refine, from_status, from_transport
from integrations.http.lines import LineTooLong, lines
from integrations.http.paths import leads_away
from integrations.http.policy import HttpPolicy
from integrations.http.tls import Certificates

Query = Mapping[str, str | int | bool | Sequence[str]]
JSON = "application/json"
READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Call:
    """One request, as it is sent at each try."""

    operation: str
    method: str
    path: str
    params: Query
    headers: Mapping[str, str]
    content: bytes | None = field(repr=False)
    policy: HttpPolicy


class Connection:
    """Requests to one system, under the one policy; raises Unavailable, Refused and NotFound only.

    A path with a piece that would lead elsewhere (`..`, also encoded) is refused, for names in it come from outside.

    `base_url` may have a path. Cookies are neither kept nor sent (H6), redirects are not followed, proxies come from
    the environment. `refine` gives a system's own meaning to answers that are not 2xx. Raises ValueError for a base
    URL that is not http(s), OSError for certificate files that cannot be used.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        auth: Auth | None = None,
        tls: Tls | None = None,
        policy: HttpPolicy | None = None,
        refine: Refine | None = None,
    ) -> None:
        self.system = system
        self.policy = policy or HttpPolicy()
        self._auth = auth or Anonymous()
        self._refine = refine
        self._certificates = Certificates(tls or Tls())
        self._client = httpx.AsyncClient(
            base_url=checked(system, base_url),
            auth=self._auth,
            verify=self._certificates.context,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_connections=self.policy.connections, keepalive_expiry=30),
            headers={"User-Agent": "pilothouse", "Accept": JSON},
        )

    async def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        idempotent: bool | None = None,
        policy: HttpPolicy | None = None,
    ) -> Answer:
        """The answer, when it is 2xx. `idempotent` (by default: GET and HEAD) allows retries.

        `policy` is for this call alone. Anything but a read carries the Content-Type `application/json`, and exactly
        that, with or without a body (A2).
        """
        reads = method in READS
        call = Call(
            operation,
            method,
            path,
            params or {},
            {**({} if reads else {"Content-Type": JSON}), **(headers or {})},
            msgspec.json.encode(json) if json is not None else content,
            policy or self.policy,
        )
        try:
            async with asyncio.timeout(call.policy.total):
                if reads if idempotent is None else idempotent:
                    return await self._retrying(call.policy)(self._once, call)
                return await self._once(call)
        except TimeoutError as error:
            raise Unavailable(self.system, operation, f"no answer within {call.policy.total:g} seconds") from error

    @asynccontextmanager
    async def stream(
        self,
        operation: str,
        path: str,
        *,
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        silence: float | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an endless answer, as they come; `silence` is the longest wait for one, in seconds."""
        policy = replace(self.policy, read=silence or self.policy.read)
        call = Call(operation, "GET", path, params or {}, headers or {}, None, policy)
        async with self._open(call) as response:
            if not response.is_success:
                raise self._failure(await self._answer(call, response))
            async with aclosing(self._lines(call, response)) as each:
                yield each

    async def aclose(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _once(self, call: Call) -> Answer:
        async with self._open(call) as response:
            answer = await self._answer(call, response)
        if not response.is_success:
            raise self._failure(answer)
        return answer

    @asynccontextmanager
    async def _open(self, call: Call) -> AsyncIterator[httpx.Response]:
        if self._client.is_closed:
            raise Unavailable(self.system, call.operation, "the connection was closed")
        if leads_away(call.path):
            raise Refused(self.system, call.operation, f"a name in {call.path[:200]!r} would lead elsewhere")
        timeout = httpx.Timeout(call.policy.read, connect=call.policy.connect, pool=call.policy.connect)
        try:
            self._certificates.refresh()
            request = self._client.build_request(
                call.method,
                call.path,
                params=call.params or None,
                headers=call.headers,
                content=call.content,
                timeout=timeout,
            )
            response = await self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._broken(call, error) from safe_cause(error)
        except CredentialUnreadable as error:
            raise Unavailable(self.system, call.operation, str(error)) from error
        except CredentialError as error:
            raise Refused(self.system, call.operation, str(error)) from error
        except OSError as error:
            raise Unavailable(self.system, call.operation, f"certificate files: {error.strerror}") from error
        try:
            yield response
        finally:
            await response.aclose()

    async def _answer(self, call: Call, response: httpx.Response) -> Answer:
        # Its value is no copy: an answer may be a hundred megabytes.
        body, limit = io.BytesIO(), call.policy.body_limit
        try:
            async for chunk in response.aiter_bytes():
                body.write(chunk)
                if body.tell() > limit:
                    raise Refused(self.system, call.operation, f"the answer is larger than {limit} bytes")
        except httpx.HTTPError as error:
            raise self._broken(call, error) from error
        return Answer(self.system, call.operation, response.status_code, response.headers, body.getvalue())

    async def _lines(self, call: Call, response: httpx.Response) -> AsyncGenerator[bytes]:
        try:
            async for line in lines(response.aiter_bytes(), call.policy.line_limit):
                yield line
        except LineTooLong as error:
            detail = f"a line of the stream is longer than {call.policy.line_limit} bytes"
            raise Refused(self.system, call.operation, detail) from error
        except httpx.HTTPError as error:
            raise self._broken(call, error) from error

    def _failure(self, answer: Answer) -> IntegrationError:
        # Before anything is cut off: half a secret is one too.
        body = redact(answer.body.decode("latin-1"), self._auth).encode("latin-1")
        answer = replace(answer, body=body)
        refined = self._refine(answer) if self._refine else None
        return self._redacted(refined or from_status(answer))

    def _broken(self, call: Call, error: httpx.HTTPError | httpx.InvalidURL) -> IntegrationError:
        return self._redacted(from_transport(self.system, call.operation, error))

    def _redacted(self, error: IntegrationError) -> IntegrationError:
        clean = redact(error.detail, self._auth)
        if clean != error.detail:
            error.detail = clean
            error.args = (error.system, error.operation, clean, *error.args[3:])
        return error

    def _retrying(self, policy: HttpPolicy) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            wait=WaitAsAsked(policy),
            stop=stop_after_attempt(policy.attempts) | stop_before_delay(policy.total),
            reraise=True,
        )


def checked(system: str, base_url: str) -> httpx.URL:
    """Raises ValueError, which does not repeat the URL: it may hold a password."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise ValueError(f"{system}: not a URL: expected https://HOST or http://HOST") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{system}: the URL must begin with https:// or http:// and a host")
    return url


class WaitAsAsked:
    """As long as the server asked for; else a random time that doubles from try to try."""

    def __init__(self, policy: HttpPolicy) -> None:
        self._random = wait_random_exponential(multiplier=policy.backoff, max=policy.backoff_limit)

    def __call__(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Unavailable) else None
        return self._random(state) + (asked.total_seconds() if asked else 0)


def redact(text: str, auth: Auth) -> str:
    """`text` without the secrets that a server may have repeated to us."""
    try:
        secrets: Iterable[str] = auth.secrets()
    except CredentialError:
        return text
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text


def safe_cause(error: Exception) -> Exception | None:
    """h11 and httpx repeat an illegal header, and with it the credential, in the text of a LocalProtocolError."""
    return None if isinstance(error, httpx.LocalProtocolError) else error
