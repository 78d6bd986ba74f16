"""Who may fetch and push: whoever shows a token, as bearer or as the password (or the user) of basic auth."""

import base64
import binascii
import hmac
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class TokenAccess:
    """Refuses what carries no good token with 401, as git hosts do: git asks its credential helper on that."""

    def __init__(self, app: ASGIApp, accepts: Callable[[str], bool]) -> None:
        self.app = app
        self.accepts = accepts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(self.accepts(token) for token in offered_tokens(Request(scope).headers.get("authorization", ""))):
            await self.app(scope, receive, send)
            return
        refusal = PlainTextResponse(
            "Authentication failed: give the token as the password.\n",
            401,
            headers={"WWW-Authenticate": 'Basic realm="git", charset="UTF-8"'},
        )
        await refusal(scope, receive, send)


def offered_tokens(authorization: str) -> list[str]:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() in {"bearer", "token"}:
        return [value.strip()]
    if scheme.lower() != "basic":
        return []
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [password, user]


def equals(token: str) -> Callable[[str], bool]:
    def same(offered: str) -> bool:
        return hmac.compare_digest(offered.encode(), token.encode())

    return same
