"""May we do in the overlay repository what we need to do?"""

import time

from msgspec import field

from bot.domain.errors import Refused
from bot.settings import GitHubSettings
from integrations.github.api import GitHubApi
from integrations.github.failures import SYSTEM, refine
from integrations.github.tokens import app_jwt
from integrations.github.wire import GitHubWire
from integrations.http import Bearer, Connection, HttpPolicy


class Installation(GitHubWire, frozen=True):
    permissions: dict[str, str] = field(default_factory=dict)
    suspended_at: str | None = None


class RepositoryAccess(GitHubWire, frozen=True):
    permissions: dict[str, bool] = field(default_factory=dict)


async def missing_permissions(settings: GitHubSettings, *, pull_requests: bool) -> tuple[str, ...]:
    """What the token, or the App's installation, lacks: "contents: write". Nothing is written to find out.

    `pull_requests`: whether the bot opens any. Raises Unavailable, Refused, NotFound.
    """
    wanted = ("contents", "pull_requests") if pull_requests else ("contents",)
    if settings.app_id and not settings.credential("token"):
        return await _of_installation(settings, wanted)
    api = GitHubApi(settings, HttpPolicy())
    try:
        operation = f"read the repository {settings.repository}"
        repository = (await api.get(operation, f"/repos/{settings.repository}")).decode(RepositoryAccess)
    finally:
        await api.close()
    return () if repository.permissions.get("push") else tuple(f"{name}: write" for name in wanted)


async def _of_installation(settings: GitHubSettings, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Asked as the App itself, by its JWT (G15)."""
    operation = f"read the App's installation on {settings.repository}"
    key = settings.credential("private_key")
    auth = Bearer(lambda: app_jwt(settings.app_id, key, time.time()))
    async with Connection(SYSTEM, settings.api_url, auth=auth, tls=settings, refine=refine) as connection:
        answer = await connection.request(operation, "GET", f"/repos/{settings.repository}/installation")
    installation = answer.decode(Installation)
    if installation.suspended_at:
        raise Refused(SYSTEM, operation, "the installation is suspended")
    return tuple(f"{name}: write" for name in wanted if installation.permissions.get(name) != "write")
