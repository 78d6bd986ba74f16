"""Pull requests: their state, and what merging one does (G11)."""

import time
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any

from integrations.sandbox.git import HeadMoved, Signature
from integrations.sandbox.git.repository import Draft
from integrations.sandbox.github import history
from integrations.sandbox.github.access import Principal
from integrations.sandbox.github.checks import Checks, now
from integrations.sandbox.github.errors import GitHubError
from integrations.sandbox.github.hub import Hub

# GitHub tests for conflicts in the background; until then `mergeable` is null (G11).
MERGEABLE_AFTER_SECONDS = 0.2
WEB_FLOW = Signature("GitHub", "noreply@github.com")


@dataclass
class Pull:
    number: int
    title: str
    body: str | None
    head: str
    base: str
    user: Principal
    head_sha: str
    base_sha: str
    draft: bool = False
    state: str = "open"
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)
    closed_at: str | None = None
    merge_sha: str | None = None
    merged_by: Principal | None = None
    reviews: list[dict[str, Any]] = field(default_factory=list)
    known_at: float = field(default_factory=lambda: time.monotonic() + MERGEABLE_AFTER_SECONDS)

    @property
    def merged(self) -> bool:
        return self.merge_sha is not None

    def close(self) -> None:
        self.state, self.closed_at, self.updated_at = "closed", now(), now()


class Pulls:
    def __init__(self, hub: Hub, checks: Checks) -> None:
        self._hub, self._checks = hub, checks
        self.all: dict[int, Pull] = {}

    def add(self, pull: Pull) -> Pull:
        self.all[pull.number] = pull
        return pull

    async def follow_head(self, pull: Pull) -> None:
        """An open pull request moves with its branch."""
        head = await self._hub.repository.resolve(f"refs/heads/{pull.head}")
        if pull.state == "open" and head and head != pull.head_sha:
            pull.head_sha, pull.updated_at = head, now()
            pull.known_at = time.monotonic() + MERGEABLE_AFTER_SECONDS

    async def mergeable(self, pull: Pull) -> bool | None:
        """None while it is not known yet."""
        if pull.state != "open" or time.monotonic() < pull.known_at:
            return None
        try:
            await self._changes(pull)
        except history.Conflict:
            return False
        return True

    async def blocked(self, pull: Pull) -> str | None:
        """Why the branch's rules do not let it be merged."""
        rules = self._hub.rules
        if pull.base != "main":
            return None
        if missing := self._checks.missing(pull.head_sha, rules.required_checks):
            return f'Required status check "{missing[0]}" is expected.'
        approvals = {review["user"]["login"] for review in pull.reviews if review["state"] == "APPROVED"}
        if len(approvals) < rules.required_approvals:
            return f"At least {rules.required_approvals} approving review is required by reviewers with write access."
        return None

    async def merge(self, pull: Pull, method: str, message: str, by: Principal, expected: str | None) -> str:
        """Raises GitHubError: 405 not mergeable, 409 when the head is not the expected one (G11)."""
        await self.follow_head(pull)
        if expected and expected != pull.head_sha:
            raise GitHubError(409, "Head branch was modified. Review and try the merge again.")
        if reason := await self.blocked(pull):
            raise GitHubError(405, f"Repository rule violations found\n\n{reason}\n\n")
        if pull.draft or pull.state != "open":
            raise GitHubError(405, "Pull Request is not mergeable")
        try:
            sha = await self._merge(pull, method, message, Signature(by.login, by.email))
        except history.Conflict as conflict:
            raise GitHubError(405, "Pull Request is not mergeable") from conflict
        except HeadMoved as moved:
            raise GitHubError(405, "Base branch was modified. Review and try the merge again.") from moved
        pull.merge_sha, pull.merged_by = sha, by
        pull.close()
        await self._hub.git.notice()
        return sha

    async def _merge(self, pull: Pull, method: str, message: str, person: Signature) -> str:
        ref = f"refs/heads/{pull.base}"
        head = await self._base(pull)
        draft = Draft(await self._changes(pull), message, person, WEB_FLOW, (head,))
        if method == "merge":
            sha = await self._hub.repository.write(ref, changed(draft, parents=(head, pull.head_sha)), head)
        elif method == "squash":
            sha = await self._hub.repository.write(ref, draft, head)
        else:
            sha = await self._rebase(pull, ref, head, person)
        self._hub.verified.add(sha)
        return sha

    async def _rebase(self, pull: Pull, ref: str, head: str, person: Signature) -> str:
        sha = head
        for one in (await history.commits(self._hub.repository, f"{head}..{pull.head_sha}"))[::-1]:
            changes = await history.merged(self._hub.repository, one.parents[0], sha, one.sha)
            author = Signature(one.author.name, one.author.email)
            sha = await self._hub.repository.write(ref, Draft(changes, one.message, author, person, (sha,)), sha)
        return sha

    async def _base(self, pull: Pull) -> str:
        head = await self._hub.repository.resolve(f"refs/heads/{pull.base}")
        if head is None:
            raise GitHubError(405, "Pull Request is not mergeable")
        return head

    async def _changes(self, pull: Pull) -> dict[str, bytes | None]:
        base = await self._base(pull)
        fork = await history.merge_base(self._hub.repository, base, pull.head_sha)
        if fork is None:
            raise history.Conflict(pull.head)
        return await history.merged(self._hub.repository, fork, base, pull.head_sha)
