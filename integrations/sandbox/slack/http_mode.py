"""HTTP mode: the same deliveries, POSTed and signed, to the URLs that the app configured (S10-S13)."""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

import httpx

from integrations.sandbox.slack.clock import within
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.delivery import ACK_SECONDS, Answer, SlackDelivery
from integrations.sandbox.slack.model import Json

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class RequestUrls:
    """Where the app takes requests; an app may give the same URL for all of them."""

    commands: str
    interactivity: str
    events: str
    options: str = ""

    @classmethod
    def single(cls, url: str) -> "RequestUrls":
        return cls(url, url, url, url)

    def of(self, delivery: SlackDelivery) -> str:
        if delivery.kind == "slash_commands":
            return self.commands
        if delivery.kind == "events_api":
            return self.events
        return (self.options if delivery.payload.get("type") == "block_suggestion" else "") or self.interactivity


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The `X-Slack-Signature` of a raw body (S12)."""
    base = b":".join((b"v0", timestamp.encode(), body))
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpMode:
    """Sends to `urls`. The events URL is verified by a challenge before its first event (S13)."""

    def __init__(self, core: Core, urls: RequestUrls) -> None:
        self._core = core
        self.urls = urls
        self._client = httpx.AsyncClient(timeout=None, trust_env=False)  # noqa: S113 - the clock of `within` decides
        self._verified = False

    async def deliver(self, delivery: SlackDelivery) -> Answer:
        if delivery.kind == "events_api" and not self._verified and not await self.verify():
            return Answer(False, error="dispatch_failed", reason="http_error", no_retry=True)
        content_type, body = _encode(delivery)
        headers = {}
        if delivery.retry_attempt:
            headers = {"X-Slack-Retry-Num": str(delivery.retry_attempt), "X-Slack-Retry-Reason": delivery.retry_reason}
        return await self._post(self.urls.of(delivery), content_type, body, headers)

    async def verify(self) -> bool:
        """Whether the events URL echoes the challenge of `url_verification`."""
        challenge = secrets.token_urlsafe(32)
        asked = {"token": "verification-token", "challenge": challenge, "type": "url_verification"}
        answer = await self._post(self.urls.events, JSON, json.dumps(asked).encode(), {})
        echoed = answer.payload or {}
        self._verified = answer.acked and challenge in {echoed.get("challenge"), echoed.get("text")}
        if not self._verified:
            self._core.complain("the events URL did not echo the challenge of url_verification: no events are sent")
        return self._verified

    async def _post(self, url: str, content_type: str, body: bytes, headers: dict[str, str]) -> Answer:
        timestamp = str(int(self._core.clock.now()))
        signed = {
            **headers,
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._core.config.signing_secret, timestamp, body),
        }
        try:
            request = self._client.post(url, content=body, headers=signed)
            response = await within(self._core.clock, request, ACK_SECONDS)
        except TimeoutError:
            return Answer(False, error="operation_timeout", reason="http_timeout")
        except httpx.HTTPError:
            return Answer(False, error="dispatch_failed", reason="connection_failed")
        if not response.is_success:
            no_retry = response.headers.get("x-slack-no-retry") == "1"
            return Answer(False, error="dispatch_failed", reason="http_error", no_retry=no_retry)
        return Answer(True, _decode(response))

    async def aclose(self) -> None:
        await self._client.aclose()


def _encode(delivery: SlackDelivery) -> tuple[str, bytes]:
    if delivery.kind == "slash_commands":
        return FORM, urlencode(delivery.payload).encode()
    if delivery.kind == "interactive":
        return FORM, urlencode({"payload": json.dumps(delivery.payload)}).encode()
    return JSON, json.dumps(delivery.payload).encode()


def _decode(response: httpx.Response) -> Json | None:
    """An empty body only acknowledges; plain text is a message's text (S13)."""
    if not response.content.strip():
        return None
    kind = response.headers.get("content-type", "").partition(";")[0]
    if kind == FORM:
        return {name: values[0] for name, values in parse_qs(response.text).items()}
    if kind == JSON:
        try:
            body = response.json()
        except ValueError:
            body = None
        if isinstance(body, dict):
            return body
    return {"text": response.text}
