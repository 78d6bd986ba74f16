"""Who we are at GitHub: a token, or an App that gets a token for an hour at a time (G15)."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from bot.domain.errors import Refused, Unavailable
from bot.settings import Credential, GitHubSettings
from integrations.github import wire
from integrations.github.failures import SYSTEM, refine
from integrations.http import Bearer, Connection, HttpPolicy

OPERATION = "get an installation token"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
"""of every request"""
EARLY = timedelta(minutes=5)
"""before its end a token is replaced"""
_IAT_BACK = 60
_EXP_AHEAD = 540
"""seconds; more than 600 are refused"""


class Tokens:
    """Call `fresh` before a request; the object itself then is the token, as a callable.

    A token or a private key in a file is read again when the file changes.
    """

    def __init__(self, settings: GitHubSettings, policy: HttpPolicy) -> None:
        self._settings = settings
        self._fixed = settings.credential("token")
        self._key = settings.credential("private_key")
        self._granted: wire.InstallationToken | None = None
        self._asking = asyncio.Lock()
        self._connection: Connection | None = None
        if settings.app_id and not self._fixed:
            self._connection = Connection(
                SYSTEM,
                settings.api_url,
                auth=Bearer(lambda: app_jwt(settings.app_id, self._key, time.time())),
                tls=settings,
                policy=policy,
                refine=refine,
            )

    def __call__(self) -> str:
        return self._granted.token if self._granted else self._fixed()

    async def fresh(self) -> None:
        """Make sure that the token is good for some minutes more. Raises Refused, Unavailable."""
        if self._connection is None:
            return
        async with self._asking:
            if self._granted is None or self._granted.expires_at - datetime.now(UTC) < EARLY:
                self._granted = await self._grant(self._connection)

    def spoiled(self) -> bool:
        """Forget a token that was refused; whether another one can be had."""
        had, self._granted = self._granted, None
        return had is not None

    async def close(self) -> None:
        if self._connection:
            await self._connection.aclose()

    async def _grant(self, connection: Connection) -> wire.InstallationToken:
        path = f"/app/installations/{self._settings.installation_id}/access_tokens"
        # Each token is as good as the other, so asking again does no harm.
        answer = await connection.request(OPERATION, "POST", path, headers=HEADERS, json={}, idempotent=True)
        return answer.decode(wire.InstallationToken)


def app_jwt(app_id: str, key: Credential, now: float) -> str:
    """Signed for nine minutes, and from a minute ago on, because clocks differ (G15)."""
    import jwt  # with the libraries of keys it takes 9 MiB, and only an App signs

    claims = {"iat": int(now) - _IAT_BACK, "exp": int(now) + _EXP_AHEAD, "iss": app_id}
    try:
        private_key = key()
    except OSError as error:
        raise Unavailable(SYSTEM, OPERATION, f"the private key's file cannot be read ({error.strerror})") from error
    try:
        return jwt.encode(claims, private_key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        detail = "the private key is not an RSA key in PEM: check PILOTHOUSE_GITHUB__PRIVATE_KEY"
        raise Refused(SYSTEM, OPERATION, detail) from None
