"""GitHub: a push to the overlay repository makes us look at it at once."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs

import msgspec

from bot.store.codec import load
from bot.webhooks.sender import Delivery, Malformed, decoded, same

SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
Moved = Callable[[str], Awaitable[object]]
"""called with the commit that the branch points to now"""


class Repository(msgspec.Struct):
    full_name: str


class PushEvent(msgspec.Struct):
    """G19: `ref` is whole; a deletion has `deleted`."""

    ref: str
    after: str
    repository: Repository
    deleted: bool = False


class Push(msgspec.Struct):
    """What is kept of it."""

    after: str


class GitHubWebhook:
    """`repository` is "owner/name" of the overlays; with "" any repository's push to the branch counts.

    Deliveries are neither ordered nor repeated by themselves (G18), so a push is a hint to look, never the truth.
    """

    name = "github"

    def __init__(self, repository: str, branch: str, moved: Moved) -> None:
        self._repository = repository
        self._ref = f"refs/heads/{branch}"
        self._moved = moved

    def possible(self, headers: Mapping[str, str], secret: str) -> bool:  # noqa: ARG002 (the body decides)
        return bool(SIGNATURE.fullmatch(headers.get("x-hub-signature-256", "")))

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """G17."""
        expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return same(headers.get("x-hub-signature-256", ""), f"sha256={expected}")

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:
        """G18: X-GitHub-Delivery names the delivery, X-GitHub-Event what it is about."""
        if headers.get("x-github-event") != "push":
            return None
        id = headers.get("x-github-delivery", "")
        if not id:
            raise Malformed("expected the header X-GitHub-Delivery")
        push = decoded(_json(headers, body), PushEvent, "a push event")
        if push.ref != self._ref or push.deleted or self._repository not in ("", push.repository.full_name):
            return None
        return Delivery(id[-255:], Push(push.after))

    async def act(self, facts: str) -> None:
        await self._moved(load(facts, Push).after)


def _json(headers: Mapping[str, str], body: bytes) -> bytes:
    """G17: as a form, the JSON is its field `payload`."""
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return body
    try:
        fields = parse_qs(body.decode(), max_num_fields=10)
    except ValueError:
        raise Malformed("expected a form with the field payload") from None
    return "".join(fields.get("payload", [])).encode()
