"""Calls of Slack's Web API: one way out, with the token as it is now, at Slack's pace, errors mapped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from bot.domain.errors import Refused, Unavailable
from bot.ports import FileUpload
from bot.settings import Tls
from integrations.http.auth import CredentialError, CredentialUnreadable, read
from integrations.http.tls import Certificates
from integrations.slack import transport
from integrations.slack.failures import BY_APP_TOKEN, SYSTEM, failure, wait_of
from integrations.slack.pace import Pace

Json = Mapping[str, Any]
T = TypeVar("T")
BUDGET_SECONDS = 10.0
TRIES = 4
USUAL_WAIT = timedelta(seconds=1)
SENDING = "send the bytes of a file"


class SlackApi:
    """`token` is asked at each call, so a rotated one needs no restart. Raises Unavailable, Refused, NotFound only.

    `budget` is the longest that one call may take, in seconds, waiting for a turn and retries included. Close it with
    `aclose`; it stays closed, for a call that comes later would open a session that nobody closes.
    """

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = "https://slack.com/api/",
        *,
        pace: Pace | None = None,
        budget: float = BUDGET_SECONDS,
        tls: Tls | None = None,
    ) -> None:
        self._token = token
        self._base_url = base_url if base_url.endswith("/") else f"{base_url}/"
        self._pace = pace or Pace()
        self._budget = budget
        self._certificates = Certificates(tls or Tls())
        self._client: AsyncWebClient | None = None
        self._closed = False

    async def read(self, method: str, **arguments: Any) -> Json:
        """A method that changes nothing: tried again when Slack is not well."""
        return (await self.answer(method, arguments, verb="GET", idempotent=True))[0]

    async def write(self, method: str, *, idempotent: bool = False, **arguments: Any) -> Json:
        """A method that changes something. Without `idempotent` only a call that Slack refused to take is repeated."""
        return (await self.answer(method, arguments, verb="POST", idempotent=idempotent))[0]

    async def answer(
        self,
        method: str,
        arguments: Mapping[str, Any],
        *,
        verb: str = "POST",
        idempotent: bool = True,
        left: Callable[[], float] | None = None,
    ) -> tuple[Json, Mapping[str, str]]:
        """Body and headers. `left` counts the seconds of a budget that several calls share."""
        channel = str(arguments.get("channel", ""))
        left = left or self._countdown()

        async def once() -> tuple[Json, Mapping[str, str]]:
            await self._pace.turn(method, channel, left())
            sent = {**arguments, "token": self._credential(method)}
            body = {"params": sent} if verb == "GET" else {"json": sent}
            try:
                response = await self.guard(method, self.client.api_call(method, http_verb=verb, **body))
            except Unavailable as error:
                if error.retry_after is not None:
                    self._pace.closed(method, channel, error.retry_after)
                raise
            if not isinstance(response.data, Mapping):
                raise Refused(SYSTEM, method, "the answer is not a JSON object")
            return response.data, response.headers

        return await self._within(method, left, self._retrying(idempotent, left)(once))

    async def pages(self, method: str, most: int, **arguments: Any) -> AsyncIterator[Json]:
        """The pages of a listing, at most so many."""
        cursor = ""
        for _ in range(most):
            page = await self.read(method, **arguments, **({"cursor": cursor} if cursor else {}))
            yield page
            metadata = page.get("response_metadata")
            cursor = str(metadata.get("next_cursor") or "") if isinstance(metadata, Mapping) else ""
            if not cursor:
                return

    async def upload(self, channel: str, file: FileUpload, thread: str = "") -> None:
        """The three steps of an upload (S9) within one budget; the message itself comes a little later."""
        left = self._countdown()
        ask, share = "files.getUploadURLExternal", "files.completeUploadExternal"
        asked = {"filename": file.name, "length": len(file.content), **_said("alt_txt", file.description)}
        slot, _ = await self.answer(ask, asked, verb="GET", left=left)
        url, id = slot.get("upload_url"), slot.get("file_id")
        if not isinstance(url, str) or not isinstance(id, str):
            raise Refused(SYSTEM, ask, "the answer names no upload_url and file_id")
        await self._within(SENDING, left, self.guard(SENDING, self._send(url, file.content)))
        place = {"channel_id": channel, **_said("thread_ts", thread), **_said("initial_comment", file.comment)}
        await self.answer(share, {"files": [{"id": id, "title": file.title}], **place}, idempotent=False, left=left)

    @property
    def client(self) -> AsyncWebClient:
        """Made at first use, for aiohttp needs a running loop. Raises Unavailable after `aclose`."""
        if self._closed:
            raise Unavailable(SYSTEM, "call its Web API", "the connection was closed")
        if self._client is None:
            # The default handlers would repeat a post whose reply was lost (S3), and their proxy ignores NO_PROXY.
            self._client = AsyncWebClient(
                base_url=self._base_url, session=self.session(), retry_handlers=[], trust_env_in_session=True
            )
            self._client.proxy = None
        return self._client

    def session(self) -> aiohttp.ClientSession:
        """A new one, of the same bounds and trust; the caller closes it."""
        return transport.session(self._certificates.context)

    async def aclose(self) -> None:
        self._closed = True
        if self._client is not None and self._client.session is not None:
            await self._client.session.close()

    async def guard(self, operation: str, call: Awaitable[T]) -> T:
        """Foreign errors stop here. slack_sdk itself stumbles over answers that are no JSON objects."""
        try:
            return await call
        except aiohttp.ClientConnectorCertificateError as error:
            detail = "its certificate is not trusted: set PILOTHOUSE_SLACK__CA_BUNDLE"
            raise Refused(SYSTEM, operation, detail) from error
        except SlackApiError as error:
            raise failure(operation, error) from error
        except transport.AnswerTooLong as error:
            raise Refused(SYSTEM, operation, str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(SYSTEM, operation, f"no connection: {type(error).__name__}") from error
        except (SlackClientError, AttributeError, TypeError, ValueError, RecursionError) as error:
            raise Refused(SYSTEM, operation, f"the answer is not Slack's ({type(error).__name__})") from error

    async def _send(self, url: str, content: bytes) -> None:
        """To a host of files, which asks for no token and takes the bytes once."""
        session = self.client.session
        assert session is not None
        async with session.post(url, data=content) as response:
            status = response.status
        if status == 429 or status >= 500:
            raise Unavailable(SYSTEM, SENDING, f"status {status}", wait_of(response))
        if status != 200:
            raise Refused(SYSTEM, SENDING, f"status {status}")

    async def _within(self, operation: str, left: Callable[[], float], call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(left()):
                return await call
        except TimeoutError as error:
            raise Unavailable(SYSTEM, operation, f"no answer within {self._budget:g} seconds") from error

    def _countdown(self) -> Callable[[], float]:
        clock = asyncio.get_running_loop().time
        end = clock() + self._budget
        return lambda: end - clock()

    def _retrying(self, idempotent: bool, left: Callable[[], float]) -> AsyncRetrying:
        def again(error: BaseException) -> bool:
            """Slack did not take a call that it answered with 429 (S2); of others nobody knows."""
            if self._closed or not isinstance(error, Unavailable):
                return False
            wait = error.retry_after or (USUAL_WAIT if limited(error) else timedelta(0))
            return (idempotent or limited(error)) and wait.total_seconds() < left()

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, Unavailable) and limited(error):
                return 0.0 if error.retry_after else USUAL_WAIT.total_seconds()
            return float(wait_random_exponential(multiplier=0.2, max=2)(state))

        return AsyncRetrying(retry=retry_if_exception(again), wait=wait, stop=stop_after_attempt(TRIES), reraise=True)

    def _credential(self, operation: str) -> str:
        """The token, and the certificates, as they are now."""
        try:
            token = read(self._token)
            self._certificates.refresh()
        except CredentialUnreadable as error:
            raise Unavailable(SYSTEM, operation, str(error)) from error
        except CredentialError as error:
            raise Refused(SYSTEM, operation, str(error)) from error
        except OSError as error:
            raise Unavailable(SYSTEM, operation, f"certificate files: {error.strerror}") from error
        if not token:
            setting = "APP_TOKEN" if operation in BY_APP_TOKEN else "BOT_TOKEN"
            raise Refused(SYSTEM, operation, f"there is no token: set PILOTHOUSE_SLACK__{setting}")
        return token


def _said(name: str, value: str) -> dict[str, str]:
    """An argument, where there is one."""
    return {name: value} if value else {}


def limited(error: Unavailable) -> bool:
    return error.detail in ("ratelimited", "rate_limited")
