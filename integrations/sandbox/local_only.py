"""Only this machine's people and scripts drive the sandbox: no page of another site that is open beside it."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class LocalOnlyMiddleware:
    """Refuses requests by another name of this machine (DNS rebinding), and those that another site's page sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refused := _refusal(Headers(scope=scope))):
            await JSONResponse({"error": refused}, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _refusal(headers: Headers) -> str:
    host, origin = headers.get("host", ""), headers.get("origin", "")
    if _name(f"//{host}") not in HERE:
        return "the sandbox answers to http://127.0.0.1 and http://localhost only"
    if origin and urlsplit(origin).netloc != host:
        return "a page of another site may not drive the sandbox"
    return ""


def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
