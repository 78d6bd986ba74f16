"""GitHub: a push to the overlay repository makes us look at it at once; one to a source repository is a fact."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qs

import msgspec

from bot.domain.build import Pushed
from bot.domain.overlay import Author
from bot.domain.source import is_revision
from bot.store.codec import load
from bot.webhooks.sender import Delivery, Malformed, decoded, moment_of, same

SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
Moved = Callable[[str], Awaitable[object]]
"""called with the commit that the branch points to now"""
Committed = Callable[[Pushed, datetime | None], Awaitable[object]]
"""called with what came onto a source repository's default branch, and when"""
SUBJECTS = 3
LONGEST = 200
"""characters of a subject, a name or an address that are kept"""


class PushedRepository(msgspec.Struct):
    full_name: str
    clone_url: str = ""
    default_branch: str = ""
    pushed_at: int | str = 0
    """seconds since the epoch, in a push"""


class WrittenBy(msgspec.Struct):
    name: str | None = None
    email: str | None = None


class PushedCommit(msgspec.Struct):
    id: str = ""
    message: str = ""
    url: str = ""
    author: WrittenBy | None = None
    distinct: bool = True


class PushEvent(msgspec.Struct):
    """G19: `ref` is whole; a deletion has `deleted`, and no `head_commit`. `commits` are the oldest first."""

    ref: str
    after: str
    repository: PushedRepository
    deleted: bool = False
    forced: bool = False
    head_commit: PushedCommit | None = None
    commits: list[PushedCommit] | None = None


class Push(msgspec.Struct):
    """What is kept of it: `after` where it moved the overlays, `source` where it is of a source repository."""

    after: str = ""
    source: Pushed | None = None
    at: datetime | None = None


class GitHubWebhook:
    """`repository` is "owner/name" of the overlays; with "" any repository's push to the branch counts.

    A push to the default branch of any other repository is one of source code. Deliveries are neither ordered nor
    repeated by themselves (G18), so a push to the overlays is a hint to look, never the truth.
    """

    name = "github"
    setting = "github_secret"
    without = "pushes are noticed some seconds later"

    def __init__(self, repository: str, branch: str, moved: Moved, committed: Committed) -> None:
        self._repository = repository.lower()
        self._ref = f"refs/heads/{branch}"
        self._moved = moved
        self._committed = committed

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
        name = push.repository.full_name.lower()  # GitHub ignores the case of names
        overlays = push.ref == self._ref and self._repository in ("", name)
        source = None if self._repository == name else _source(push)
        if push.deleted or not (overlays or source):
            return None
        return Delivery(id[-255:], Push(push.after if overlays else "", source, moment_of(push.repository.pushed_at)))

    async def act(self, facts: str) -> None:
        push = load(facts, Push)
        if push.source:
            await self._committed(push.source, push.at)
        if push.after:
            await self._moved(push.after)


def _source(push: PushEvent) -> Pushed | None:
    """What came onto the default branch, in the words of its commits."""
    head, repository = push.head_commit, push.repository
    if head is None or not is_revision(push.after) or not repository.clone_url or not repository.default_branch:
        return None
    if push.ref != f"refs/heads/{repository.default_branch}":
        return None
    new = [commit for commit in push.commits or () if commit.distinct]
    by = head.author or WrittenBy()
    return Pushed(
        repository.clone_url[:500],
        push.after,
        Author((by.name or "")[:LONGEST], (by.email or "")[:LONGEST]),
        _subject(head),
        head.url[:500],
        len(new),
        tuple(_subject(commit) for commit in reversed(new[-SUBJECTS:])),
        push.forced,
    )


def _subject(commit: PushedCommit) -> str:
    return commit.message.partition("\n")[0].strip()[:LONGEST]


def _json(headers: Mapping[str, str], body: bytes) -> bytes:
    """G17: as a form, the JSON is its field `payload`."""
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return body
    try:
        fields = parse_qs(body.decode(), max_num_fields=10)
    except ValueError:
        raise Malformed("expected a form with the field payload") from None
    return "".join(fields.get("payload", [])).encode()
