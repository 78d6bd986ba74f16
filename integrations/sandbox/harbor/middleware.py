"""What goes around every answer: request ids, error bodies, the session cookie and its trap (H6, H7)."""

import uuid

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.sandbox.faults import FaultSettings

from .errors import HarborError

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class RequestIdMiddleware:
    """`X-Request-Id` is echoed, or made."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = Request(scope).headers.get("x-request-id") or str(uuid.uuid4())

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
            await send(message)

        await self._app(scope, receive, tagged)


class ReadOnlyMiddleware:
    """H28: in read-only mode whatever is not a read is refused, before anybody asks who it is."""

    def __init__(self, app: ASGIApp, faults: FaultSettings | None) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        on = self._faults is not None and self._faults.now.harbor_read_only
        if on and scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            words = "The system is in read only mode. Any modification is prohibited."
            await HarborError(403, "DENIED", words).response()(scope, receive, send)
            return
        await self._app(scope, receive, send)


class CsrfMiddleware:
    """H6: the cookie is handed out with API replies, and a request that brings it needs the token too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        has_cookie = "sid" in request.cookies
        if has_cookie and request.method not in SAFE_METHODS and not request.headers.get("x-harbor-csrf-token"):
            refusal = HarborError(403, "FORBIDDEN", "CSRF token not found in request").response()
            await refusal(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and not has_cookie:
                MutableHeaders(scope=message).append("Set-Cookie", f"sid={uuid.uuid4().hex}; Path=/; HttpOnly")
            await send(message)

        await self._app(scope, receive, with_cookie)


async def harbor_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HarborError)
    return error.response()


async def routing_error(_: Request, error: Exception) -> Response:
    """A path or method that there is none of."""
    assert isinstance(error, HTTPException)
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "UNKNOWN")
    return HarborError(error.status_code, code, str(error.detail).lower()).response()
