"""Webhook deliveries: signed, once, not repeated by themselves (G17-G19)."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from integrations.sandbox.git import Push
from integrations.sandbox.git.repository import NULL_SHA
from integrations.sandbox.github import history
from integrations.sandbox.github.access import Principal
from integrations.sandbox.github.hub import JSON, Hub

ANSWER_SECONDS = 10.0
MOST_COMMITS = 2048


@dataclass(frozen=True)
class GitHubDelivery:
    """One sent webhook; `status` is the answer's, 0 when there was none in time."""

    guid: str
    event: str
    content: bytes
    status: int


def signature(secret: str, content: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


class Webhooks:
    """Sends to `url` when there is one; keeps what was sent, so that it can be delivered again by hand."""

    def __init__(self, hub: Hub, url: str, secret: str) -> None:
        self._hub, self._url, self._secret = hub, url, secret
        self.deliveries: list[GitHubDelivery] = []
        self._sending: set[asyncio.Task[None]] = set()

    def on_push(self, push: Push) -> None:
        if self._url:
            self._start(self._push(push))

    def emit(self, event: str, payload: JSON) -> None:
        """Send an event of the repository."""
        if self._url:
            whole = {"repository": self._repository(), "sender": self._sender(), **payload}
            self._start(self._deliver(event, whole))

    def ping(self) -> None:
        hook = {"type": "Repository", "id": 1, "name": "web", "active": True, "events": ["push", "pull_request"]}
        self.emit("ping", {"zen": "Keep it logically awesome.", "hook_id": 1, "hook": hook})

    async def redeliver(self, guid: str) -> None:
        """The same content under the same GUID (G18). Raises LookupError."""
        known = next((one for one in self.deliveries if one.guid == guid), None)
        if known is None:
            raise LookupError(f"no delivery {guid}")
        await self._send(known.event, known.content, guid)

    async def settled(self) -> None:
        """Wait until everything that has begun is sent."""
        while self._sending:
            await asyncio.gather(*self._sending)

    def _start(self, sending: Any) -> None:
        task = asyncio.ensure_future(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _push(self, push: Push) -> None:
        await self._deliver("push", await push_payload(self._hub, push) | {"sender": self._sender()})

    async def _deliver(self, event: str, payload: JSON) -> None:
        await self._send(event, json.dumps(payload).encode(), str(uuid.uuid4()))

    async def _send(self, event: str, content: bytes, guid: str) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/sandbox",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-GitHub-Hook-ID": "1",
        }
        if self._secret:
            headers["X-Hub-Signature-256"] = signature(self._secret, content)
        status = 0
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as http:
                status = (await http.post(self._url, content=content, headers=headers)).status_code
        except httpx.HTTPError:
            status = 0  # not tried again: missed events are found by polling (G18)
        self.deliveries.append(GitHubDelivery(guid, event, content, status))

    def _repository(self) -> JSON:
        return self._hub.repository_shape()

    def _sender(self) -> JSON:
        return self._hub.user(Principal("sandbox", 1))


async def push_payload(hub: Hub, push: Push) -> JSON:
    """A push event; a deleted branch has forty zeros in `after` and no head commit (G19)."""
    created, deleted = push.before == NULL_SHA, push.after == NULL_SHA
    infos: list[history.CommitInfo] = []
    if not deleted:
        span = (push.after, "--max-count=1") if created else (f"{push.before}..{push.after}",)
        infos = (await history.commits(hub.repository, *span))[::-1]
    commits = [await _commit(hub, info) for info in infos]
    last = infos[-1].author if infos else history.Person("sandbox", "sandbox@example.com", "")
    repository = hub.repository_shape()
    return {
        "ref": push.ref,
        "before": push.before,
        "after": push.after,
        "repository": repository | {"created_at": 1767225600, "pushed_at": int(time.time())},
        "pusher": {"name": last.name, "email": last.email},
        "created": created,
        "deleted": deleted,
        "forced": False,
        "base_ref": None,
        "compare": f"{hub.html}/compare/{push.before[:12]}...{push.after[:12]}",
        "commits": [] if created else commits[:MOST_COMMITS],
        "head_commit": commits[-1] if commits else None,
    }


async def _commit(hub: Hub, info: history.CommitInfo) -> JSON:
    changes = await history.changes(hub.repository, info.parents[0] if info.parents else history.EMPTY_TREE, info.sha)
    paths = {kind: [one.path for one in changes if one.status == kind] for kind in ("added", "removed", "modified")}
    return {
        "id": info.sha,
        "tree_id": info.tree,
        "distinct": True,
        "message": info.message,
        "timestamp": info.author.date,
        "url": f"{hub.html}/commit/{info.sha}",
        "author": {"name": info.author.name, "email": info.author.email},
        "committer": {"name": info.committer.name, "email": info.committer.email},
        **paths,
    }
