"""The one repository as GitHub sees it: who may what, which commit a name means, how things are linked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from integrations.sandbox.git import BareRepository, GitServer, Push
from integrations.sandbox.git.repository import NULL_SHA, Draft
from integrations.sandbox.github import history, shapes
from integrations.sandbox.github.access import GitHubAccess, Principal
from integrations.sandbox.github.errors import GitHubError, not_found

JSON = dict[str, Any]
Event = Callable[[str, JSON], None]


@dataclass(frozen=True)
class Rules:
    """Of the branch `main`: which checks or statuses must be green, how many approvals, only by pull request?

    `classic`: said by the older branch protection instead of a ruleset.
    """

    required_checks: tuple[str, ...] = ()
    required_approvals: int = 0
    pull_request_only: bool = False
    classic: bool = False


@dataclass
class Hub:
    """`stale_reads` in seconds: how long REST reads of a branch go on giving the old head after a push (G5)."""

    git: GitServer
    full_name: str
    access: GitHubAccess
    rules: Rules
    stale_reads: float = 0.0
    clone_url: str = ""
    base: str = "http://localhost"
    verified: set[str] = field(default_factory=set)
    emit: Event = lambda _kind, _payload: None
    _old_heads: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def repository(self) -> BareRepository:
        return self.git.repository

    @property
    def url(self) -> str:
        return f"{self.base}/repos/{self.full_name}"

    @property
    def html(self) -> str:
        return f"{self.base}/{self.full_name}"

    def enter(self, request: Request, permission: str = "contents", level: str = "read") -> Principal:
        """Who asks for this repository. Raises GitHubError: 404 without read access, 403 without write (G14)."""
        self.base = str(request.base_url).rstrip("/")
        _, principal = self.access.principal(request)
        asked = f"{request.path_params['owner']}/{request.path_params['repo']}"
        if asked.lower() != self.full_name.lower() or not principal.may(permission, "read"):
            raise not_found()
        if not principal.may(permission, level):
            raise GitHubError(403, "Resource not accessible by integration")
        return principal

    def remember(self, push: Push) -> None:
        """Called for each push, so that reads can lag behind it (G5)."""
        if self.stale_reads and NULL_SHA not in {push.before, push.after}:
            self._old_heads.setdefault(push.ref, (push.before, time.monotonic() + self.stale_reads))

    async def resolve(self, name: str) -> str | None:
        """The commit that a branch, tag, full ref or sha means; a branch may lag (G5).

        No branch or tag has a name of 40 hex digits: GitHub refuses to have one pushed.
        """
        name = name or "main"
        if _is_sha(name) and len(name) == len(NULL_SHA):
            return await self.repository.resolve(name)
        short = name.removeprefix("refs/")
        for ref in (f"refs/{short}", f"refs/heads/{short}", f"refs/tags/{short}"):
            old, until = self._old_heads.get(ref, ("", 0.0))
            if until > time.monotonic():
                return old
            self._old_heads.pop(ref, None)
            if found := await self.repository.resolve(ref):
                return found
        return await self.repository.resolve(name) if _is_sha(name) else None

    async def must_resolve(self, name: str) -> str:
        """Raises GitHubError 422 as the commits API words it."""
        if sha := await self.resolve(name):
            return sha
        raise GitHubError(422, f"No commit found for SHA: {name}")

    def refuse_direct_change(self, ref: str) -> None:
        """Raises GitHubError 409 where the branch's rules let it change by pull request only."""
        if ref == "refs/heads/main" and self.rules.pull_request_only:
            text = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"
            raise GitHubError(409, text)

    async def write(self, ref: str, draft: Draft) -> str:
        """One commit on a branch that is still at the draft's first parent. Raises HeadMoved."""
        sha = await self.repository.write(ref, draft, draft.parents[0])
        await self.git.notice()
        return sha

    def user_of(self, person: history.Person) -> JSON | None:
        """The account behind an e-mail address, where there is one."""
        number, plus, rest = person.email.partition("+")
        if plus and rest.endswith("@users.noreply.github.com") and number.isdigit():
            login = rest.removesuffix("@users.noreply.github.com")
            return shapes.user(self.base, login, "Bot" if login.endswith("[bot]") else "User", int(number))
        return None

    def user(self, principal: Principal) -> JSON:
        return shapes.user(self.base, principal.login, principal.kind, principal.id)

    def repository_shape(self) -> JSON:
        return shapes.repository(self.base, self.full_name, self.clone_url or f"{self.html}.git")

    def verification(self, sha: str) -> JSON:
        """G4: what the API commits for an App is signed by GitHub; nothing else here is."""
        good = sha in self.verified
        return {
            "verified": good,
            "reason": "valid" if good else "unsigned",
            "signature": "-----BEGIN PGP SIGNATURE-----\n" if good else None,
            "payload": f"tree {sha}\n" if good else None,
            "verified_at": None,
        }

    def commit_shape(self, info: history.CommitInfo) -> JSON:
        url = f"{self.url}/commits/{info.sha}"
        return {
            "url": url,
            "sha": info.sha,
            "node_id": shapes.node_id("C", info.sha),
            "html_url": f"{self.html}/commit/{info.sha}",
            "comments_url": f"{url}/comments",
            "commit": {
                "url": f"{self.url}/git/commits/{info.sha}",
                "author": vars(info.author),
                "committer": vars(info.committer),
                "message": info.message,
                "comment_count": 0,
                "tree": {"sha": info.tree, "url": f"{self.url}/git/trees/{info.tree}"},
                "verification": self.verification(info.sha),
            },
            "author": self.user_of(info.author),
            "committer": self.user_of(info.committer),
            "parents": [self.parent(parent) for parent in info.parents],
        }

    def parent(self, sha: str) -> JSON:
        return {"sha": sha, "url": f"{self.url}/commits/{sha}", "html_url": f"{self.html}/commit/{sha}"}


def _is_sha(text: str) -> bool:
    return 4 <= len(text) <= 40 and all(character in "0123456789abcdef" for character in text.lower())
