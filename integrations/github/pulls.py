"""Pull requests: the way into environments that nobody changes directly (G6, G7, G11)."""

import asyncio
from typing import NoReturn
from urllib.parse import quote

from bot.domain.errors import HeadMoved, NotFound, Refused
from bot.domain.overlay import Change
from bot.ports import PullRequest
from integrations.github import wire
from integrations.github.api import GitHubApi
from integrations.github.checks import Checks
from integrations.github.commits import Commits
from integrations.github.failures import SYSTEM, Conflicting

MERGE_METHODS = ("squash", "merge", "rebase")
PAUSES = (0.1, 0.2, 0.4, 0.8, *[1.0] * 9)
"""seconds between looks at `mergeable`, which GitHub computes in the background (G11)"""


class GitHubPulls:
    """Pull requests from branches of `repository` into `base`."""

    def __init__(self, api: GitHubApi, repository: str, base: str) -> None:
        self._api = api
        self._repository = repository
        self._base_branch = base
        self._path = f"/repos/{repository}"
        self._checks = Checks(api, repository, base)

    async def open(self, change: Change, branch: str, expected_head: str, title: str, body: str) -> PullRequest:
        if not await self._branch(branch, expected_head) and (number := await self._find(branch)):
            return await self.get(number)
        commits = Commits(self._api, self._repository, branch)
        await self._commit(commits, change, expected_head)
        operation = f"open a pull request from {branch}"
        asked = {"title": title, "body": body, "head": branch, "base": self._base_branch}
        try:
            answer = await self._api.write(operation, "POST", f"{self._path}/pulls", asked)
        except Conflicting:
            # Somebody else, or a try of ours whose answer was lost, was first.
            if number := await self._find(branch):
                return await self.get(number)
            raise
        return await self._shown(answer.decode(wire.Pull))

    async def opened(self, branch: str) -> PullRequest | None:
        number = await self._find(branch)
        return await self.get(number) if number else None

    async def get(self, number: int) -> PullRequest:
        return await self._shown(await self._read(number))

    async def merge(self, number: int, head: str, message: str) -> PullRequest:
        """Exactly `head`, by the first method that the repository allows: squash, merge, rebase. Deletes the branch."""
        pull = await self._read(number)
        for pause in PAUSES:
            if pull.merged or pull.state != "open" or pull.mergeable is not None:
                break
            await asyncio.sleep(pause)
            pull = await self._read(number)
        if not pull.merged:
            if pull.state != "open":
                raise Refused(SYSTEM, f"merge #{number}", "the pull request is closed: open a new one")
            if pull.head.sha != head:
                raise HeadMoved(SYSTEM, f"merge #{number}", "somebody else pushed to the pull request's branch")
            await self._merge(pull, message)
            merged, _ = await asyncio.gather(self.get(number), self._delete_branch(pull.head.ref))
            return merged
        return await self.get(number)

    async def close(self, number: int, comment: str) -> None:
        pull = await self._read(number)
        if pull.state != "open":
            return
        operation = f"close #{number}"
        await self._api.write(
            operation, "POST", f"{self._path}/pulls/{number}/reviews", {"body": comment, "event": "COMMENT"}
        )
        await self._api.write(operation, "PATCH", f"{self._path}/pulls/{number}", {"state": "closed"})
        await self._delete_branch(pull.head.ref)

    async def _find(self, branch: str) -> int:
        owner = self._repository.partition("/")[0]
        params: dict[str, str | int] = {"head": f"{owner}:{branch}", "base": self._base_branch, "state": "open"}
        answer = await self._api.get(f"find the pull request from {branch}", f"{self._path}/pulls", params)
        found = (p for p in answer.decode(list[wire.PullSummary]) if p.head.within(self._repository))
        return next((pull.number for pull in found if pull.head.ref == branch), 0)

    async def _branch(self, branch: str, sha: str) -> bool:
        """Create it; False for one that is there already, which `_commit` looks at. A new one has no pull request."""
        try:
            await self._api.write(
                f"create branch {branch}", "POST", f"{self._path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": sha}
            )
        except Conflicting as conflict:
            if "already exists" not in conflict.detail:
                raise
            return False
        return True

    async def _commit(self, commits: Commits, change: Change, expected_head: str) -> None:
        try:
            await commits.write(change, expected_head)
        except HeadMoved:
            if await commits.landed(change, expected_head) is None:
                detail = f"branch {commits.branch} holds something else: delete it, or promote again"
                raise Refused(SYSTEM, "commit for a pull request", detail) from None

    async def _merge(self, pull: wire.Pull, message: str) -> None:
        headline, _, body = message.partition("\n")
        asked = {"sha": pull.head.sha, "commit_title": headline, "commit_message": body.lstrip("\n")}
        path = f"{self._path}/pulls/{pull.number}/merge"
        for method in MERGE_METHODS:
            try:
                await self._api.write(f"merge #{pull.number}", "PUT", path, {**asked, "merge_method": method})
            except Conflicting as conflict:
                if "not allowed" in conflict.detail and method != MERGE_METHODS[-1]:
                    continue
                _not_merged(pull, conflict)
            return

    async def _delete_branch(self, branch: str) -> None:
        try:
            await self._api.write(f"delete branch {branch}", "DELETE", f"{self._path}/git/refs/heads/{branch}")
        except (NotFound, Conflicting):
            return  # GitHub deletes branches of merged pull requests itself, where it is told to

    async def _read(self, number: int) -> wire.Pull:
        return (await self._api.get(f"read #{number}", f"{self._path}/pulls/{number}")).decode(wire.Pull)

    async def _shown(self, pull: wire.Pull) -> PullRequest:
        state = "merged" if pull.merged else pull.state
        merged = pull.merge_commit_sha if pull.merged and pull.merge_commit_sha else ""
        checks, fork = "success" if pull.merged else "failure", ""
        parents: tuple[str, ...] = ()
        own = 0
        if state == "open":
            checks, fork, own = await asyncio.gather(
                self._checks.of(pull.head.sha), self._fork(pull), self._own_commits(pull)
            )
        elif merged:
            parents, own = await asyncio.gather(self._parents(merged), self._own_commits(pull))
        return PullRequest(
            pull.number, pull.html_url, state, checks, merged,
            head=pull.head.sha, fork=fork, commits=own, merge_parents=parents,
        )  # fmt: skip

    async def _fork(self, pull: wire.Pull) -> str:
        """The newest commit that the head has in common with the branch that it goes into; "" for another branch."""
        if pull.base.ref != self._base_branch:
            return ""
        operation = f"compare #{pull.number} with {self._base_branch}"
        path = f"{self._path}/compare/{quote(self._base_branch, safe='')}...{pull.head.sha}"
        compared = (await self._api.get(operation, path, {"per_page": 1, "page": 1})).decode(wire.Compared)
        return compared.merge_base_commit.sha if compared.merge_base_commit else ""

    async def _parents(self, sha: str) -> tuple[str, ...]:
        answer = await self._api.get(f"read commit {sha[:12]}", f"{self._path}/git/commits/{sha}")
        return tuple(parent.sha for parent in answer.decode(wire.Parents).parents)

    async def _own_commits(self, pull: wire.Pull) -> int:
        """Without those that only bring the branch up to date."""
        if pull.commits <= 1:
            return pull.commits
        path = f"{self._path}/pulls/{pull.number}/commits"
        pages = self._api.pages(f"list commits of #{pull.number}", path, {}, list[wire.GitHubCommit])
        return sum([sum(len(one.parents) < 2 for one in page) async for page in pages])


def _not_merged(pull: wire.Pull, conflict: Conflicting) -> NoReturn:
    operation = f"merge #{pull.number}"
    if conflict.status == 409 or "modified" in conflict.detail:
        raise HeadMoved(SYSTEM, operation, conflict.detail) from conflict
    raise Refused(
        SYSTEM, operation, f"{conflict.detail} (checks, reviews or a conflict stand in the way)"
    ) from conflict
