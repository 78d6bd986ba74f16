"""Accounts, their tokens (A1) and what they may do."""

import hmac
import secrets
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import jwt
from starlette.requests import Request

from integrations.sandbox.argocd.errors import Code, StatusError, permission_denied

LOGIN_SECONDS = 24 * 3600
LOCK_AFTER_FAILURES = 5
LOCK_SECONDS = 300
_ISSUER = "argocd"


@dataclass(frozen=True)
class Account:
    """`grants` are (resource, action, object) with globs; objects are `<project>/<application>` or `<project>`."""

    name: str
    grants: tuple[tuple[str, str, str], ...] = (("*", "*", "*"),)

    def may(self, resource: str, action: str, subject: str) -> bool:
        return any(
            fnmatchcase(resource, kind) and fnmatchcase(action, verb) and fnmatchcase(subject, what)
            for kind, verb, what in self.grants
        )

    def require(self, resource: str, action: str, subject: str) -> None:
        """Raises StatusError 403."""
        if not self.may(resource, action, subject):
            raise permission_denied()


class ArgoAccess:
    """Knows the given opaque token of the account `bot`, and every token that it minted itself."""

    def __init__(self, token: str, bot: Account, users: Mapping[str, str] | None = None) -> None:
        self._token = token
        self._bot = bot
        self._users = dict(users or {})
        self._accounts = {bot.name: bot}
        self._key = secrets.token_hex(32)
        self._failures: dict[str, list[float]] = defaultdict(list)

    def add(self, account: Account) -> None:
        self._accounts[account.name] = account

    def ensure(self, name: str) -> None:
        """There is an account of that name: one that may do everything, unless there was one before."""
        self._accounts.setdefault(name, Account(name))

    def mint(self, account: str, expires_in: float = 0, capability: str = "apiKey") -> str:
        """A token of an account or of a project role (`proj:<project>:<role>`).

        `expires_in` is in seconds, 0 = never; a token with a negative one has expired already.
        """
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": _ISSUER,
            "sub": account if account.startswith("proj:") else f"{account}:{capability}",
            "iat": now,
            "nbf": now,
            "jti": secrets.token_hex(8),
        }
        if expires_in:
            claims["exp"] = now + int(expires_in)
            claims["nbf"] = claims["iat"] = min(now, now + int(expires_in))
        return jwt.encode(claims, self._key, algorithm="HS256")

    def login(self, username: str, password: str) -> str:
        """A login token for 24 h. Raises StatusError 401, also for a right password while the user is locked."""
        now = time.monotonic()
        failures = self._failures[username] = [at for at in self._failures[username] if now - at < LOCK_SECONDS]
        expected = self._users.get(username, "")
        right = bool(expected) and hmac.compare_digest(expected.encode(), password.encode())
        if not right or len(failures) >= LOCK_AFTER_FAILURES:
            failures.append(now)
            raise StatusError(Code.UNAUTHENTICATED, "Invalid username or password")
        self.ensure(username)
        return self.mint(username, LOGIN_SECONDS, "login")

    def account(self, request: Request) -> Account:
        """Whose request it is; the bearer header wins over the cookie (A1). Raises StatusError 401."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer if scheme.lower() == "bearer" and bearer else request.cookies.get("argocd.token", "")
        if not token:
            raise StatusError(Code.UNAUTHENTICATED, "no session information")
        if self._token and hmac.compare_digest(token.encode(), self._token.encode()):
            return self._bot
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], issuer=_ISSUER)
        except jwt.ExpiredSignatureError as expired:
            detail = "invalid session: token has invalid claims: token is expired"
            raise StatusError(Code.UNAUTHENTICATED, detail) from expired
        except jwt.InvalidTokenError as bad:
            raise StatusError(Code.UNAUTHENTICATED, f"invalid session: {bad}") from bad
        subject = str(claims["sub"])
        name = subject if subject.startswith("proj:") else subject.partition(":")[0]
        if name not in self._accounts:
            raise StatusError(Code.UNAUTHENTICATED, f"invalid session: account '{name}' not found")
        return self._accounts[name]
