"""What every request passes first: client name, limits, and the headers that speak of them (G14, G16)."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WINDOW_SECONDS = 3600
MINUTE = 60.0
READING = {"GET", "HEAD", "OPTIONS"}


@dataclass
class Throttle:
    """Refuse the next `count` requests: primary limit, or secondary with or without `retry-after` in seconds."""

    count: int
    kind: str = "secondary"
    status: int = 403
    retry_after: int | None = None


@dataclass
class Usage:
    """One token's hour."""

    limit: int
    used: int = 0
    reset: float = field(default_factory=lambda: time.time() + WINDOW_SECONDS)
    writes: deque[float] = field(default_factory=deque)

    def headers(self, resource: str) -> dict[str, str]:
        remaining = max(self.limit - self.used, 0)
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(remaining),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(int(self.reset)),
            "x-ratelimit-resource": resource,
        }

    def as_json(self) -> dict[str, int]:
        return {
            "limit": self.limit,
            "remaining": max(self.limit - self.used, 0),
            "used": self.used,
            "reset": int(self.reset),
        }


class Gate:
    """`limit`: requests an hour for one token; `writes_a_minute`: content-making requests (secondary limit)."""

    def __init__(self, app: ASGIApp, limit: int, writes_a_minute: int) -> None:
        self.app = app
        self.throttle: Throttle | None = None
        self._limit, self._writes_a_minute = limit, writes_a_minute
        self._usage: dict[str, Usage] = {}

    def usage(self, authorization: str) -> Usage:
        usage = self._usage.get(authorization)
        if usage is None or usage.reset <= time.time():
            usage = self._usage[authorization] = Usage(self._limit)
        return usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        usage = self.usage(headers.get("authorization", ""))
        resource = "graphql" if scope["path"].endswith("/graphql") else "core"
        refusal = self._refusal(scope, headers, usage)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A 304 with authorization costs nothing, and so does asking for the limits (G16).
                if message["status"] != 304 and not scope["path"].endswith("/rate_limit"):
                    usage.used += 1
                MutableHeaders(scope=message).update(usage.headers(resource))
            await send(message)

        await (refusal or self.app)(scope, receive, counted)

    def _refusal(self, scope: Scope, headers: Headers, usage: Usage) -> Response | None:
        if not headers.get("user-agent"):
            text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            return PlainTextResponse(f"{text} (https://docs.github.com).\n", 403)
        if self.throttle is not None and self.throttle.count > 0 and not scope["path"].endswith("/rate_limit"):
            self.throttle.count -= 1
            return _throttled(self.throttle, usage)
        if usage.used >= usage.limit and not scope["path"].endswith("/rate_limit"):
            return _limited(Throttle(1, "primary"))
        return self._secondary(scope, usage)

    def _secondary(self, scope: Scope, usage: Usage) -> Response | None:
        if scope["method"] in READING or scope["path"].endswith("/access_tokens"):
            return None
        now = time.monotonic()
        while usage.writes and now - usage.writes[0] > MINUTE:
            usage.writes.popleft()
        if len(usage.writes) >= self._writes_a_minute:
            return _limited(Throttle(1, retry_after=int(MINUTE)))
        usage.writes.append(now)
        return None


def _throttled(throttle: Throttle, usage: Usage) -> Response:
    if throttle.kind == "primary":
        usage.used = usage.limit
    return _limited(throttle)


def _limited(throttle: Throttle) -> Response:
    """403 or 429, for both limits (G16): only the headers and the message tell them apart."""
    message = "API rate limit exceeded for user ID 1."
    if throttle.kind == "secondary":
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    headers = {} if throttle.retry_after is None else {"retry-after": str(throttle.retry_after)}
    body: dict[str, Any] = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest/overview/rate-limits",
    }
    return JSONResponse(body, throttle.status, headers=headers)
