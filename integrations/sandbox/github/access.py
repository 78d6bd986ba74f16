"""Who asks: personal tokens, and a GitHub App's JWT and installation tokens (G15)."""

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from starlette.requests import Request

from integrations.sandbox.git.access import offered_tokens
from integrations.sandbox.github.errors import GitHubError

TOKEN_SECONDS = 3600
LONGEST_JWT_SECONDS = 600


@dataclass(frozen=True)
class Principal:
    """A user or an App's bot; `permissions` as an installation grants them ("read" or "write")."""

    login: str
    id: int
    kind: str = "User"
    permissions: tuple[tuple[str, str], ...] = (
        ("contents", "write"),
        ("pull_requests", "write"),
        ("statuses", "write"),
        ("checks", "write"),
        ("metadata", "read"),
    )

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"

    def may(self, permission: str, level: str) -> bool:
        granted = dict(self.permissions).get(permission)
        return granted == "write" or granted == level


@dataclass(frozen=True)
class App:
    """A GitHub App and its one installation; `public_key` in PEM verifies the App's JWTs."""

    id: int
    client_id: str
    slug: str
    installation_id: int
    public_key: str

    def bot(self, permissions: Mapping[str, str]) -> Principal:
        return Principal(f"{self.slug}[bot]", 41898282 + self.id, "Bot", tuple(sorted(permissions.items())))


@dataclass
class _Granted:
    principal: Principal
    expires: float | None


class GitHubAccess:
    def __init__(self, tokens: Mapping[str, Principal], app: App | None = None) -> None:
        self.app = app
        self._granted = {token: _Granted(principal, None) for token, principal in tokens.items()}

    def principal(self, request: Request) -> tuple[str, Principal]:
        """The token and whose it is. Raises GitHubError 401, also for an installation token after its hour (G15)."""
        for token in offered_tokens(request.headers.get("authorization", "")):
            if found := self._find(token):
                return token, found.principal
        if "authorization" not in request.headers:
            raise GitHubError(401, "Requires authentication")
        raise GitHubError(401, "Bad credentials")

    def knows(self, token: str) -> bool:
        """Whether git itself may be used with this token."""
        return self._find(token) is not None

    def _find(self, token: str) -> _Granted | None:
        # Compared in full for each token: how long it takes says nothing about how much of it was right.
        matching = [g for known, g in self._granted.items() if hmac.compare_digest(known.encode(), token.encode())]
        return next((g for g in matching if g.expires is None or g.expires > time.time()), None)

    def require_app(self, request: Request) -> App:
        """The App whose JWT this is. Raises GitHubError 401 (G15)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self.app is None or scheme.lower() not in {"bearer", "token"}:
            raise GitHubError(401, "A JSON web token could not be decoded")
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self.app.public_key, algorithms=["RS256"], options={"require": ["exp", "iat", "iss"]}, leeway=0
            )
        except jwt.ExpiredSignatureError as error:
            raise GitHubError(401, "'Expiration time' claim ('exp') must be a numeric value representing the "
                                   "future time at which the assertion expires") from error  # fmt: skip
        except jwt.ImmatureSignatureError as error:
            raise GitHubError(401, "'Issued at' claim ('iat') must be an Integer representing the time that the "
                                   "assertion was issued") from error  # fmt: skip
        except jwt.InvalidTokenError as error:
            raise GitHubError(401, "A JSON web token could not be decoded") from error
        if claims["exp"] - time.time() > LONGEST_JWT_SECONDS:
            raise GitHubError(401, "'Expiration time' claim ('exp') is too far in the future")
        if str(claims["iss"]) not in {str(self.app.id), self.app.client_id}:
            raise GitHubError(401, "A JSON web token could not be decoded")
        return self.app

    def grant(self, app: App, permissions: Mapping[str, str]) -> tuple[str, datetime]:
        """A new installation token and its end, an hour from now."""
        token = f"ghs_{app.id}_{secrets.token_urlsafe(24)}.{secrets.token_urlsafe(24)}"
        expires = time.time() + TOKEN_SECONDS
        self._granted[token] = _Granted(app.bot(permissions), expires)
        return token, datetime.fromtimestamp(expires, UTC)

    def expire(self, token: str) -> None:
        """Let a token's hour be over now."""
        self._granted[token].expires = 0.0
