"""One branch: where it points, and one commit on top of it (G1-G5)."""

import base64
import time
from datetime import UTC, datetime
from urllib.parse import quote

from bot.domain.errors import HeadMoved, Refused, Unavailable
from bot.domain.overlay import Change, Commit
from integrations.github import messages, wire
from integrations.github.api import GitHubApi
from integrations.github.differences import Differences
from integrations.github.failures import SYSTEM, NotModified
from integrations.github.trees import Trees, is_clean

STALE_SECONDS = 30.0
"""for which a read may still show the head before our own commit (G5)"""

MUTATION = """\
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } ref { name } }
}"""


class Commits:
    """`web` is where people look at the repository, for links. `stale_seconds`: see G5."""

    def __init__(
        self, api: GitHubApi, repository: str, branch: str, web: str = "", stale_seconds: float = STALE_SECONDS
    ) -> None:
        self.branch = branch
        self._api = api
        self._repository = repository
        self._base = f"/repos/{repository}"
        self._differences = Differences(api, repository)
        self._trees = Trees(api, repository)
        self._web = web
        self._stale_seconds = stale_seconds
        self._written: dict[str, tuple[str, float]] = {}
        self._seen = ("", "")

    async def head(self) -> str:
        """Asked each time; a head that did not move costs nothing of the limit (G16)."""
        etag, before = self._seen
        headers = {"If-None-Match": etag} if etag else {}
        try:
            answer = await self._api.get(
                "ask for the head", f"{self._base}/git/ref/heads/{quote(self.branch)}", headers=headers
            )
        except NotModified:
            return self._newest(before)
        sha = answer.decode(wire.Ref).object.sha
        self._seen = (answer.headers.get("etag", ""), sha)
        return self._newest(sha)

    async def write(self, change: Change, expected_head: str) -> Commit:
        """All files in one commit, or none. Raises HeadMoved, Refused; Unavailable when it may have landed."""
        if not change.files or not all(map(is_clean, change.files)):
            raise Refused(SYSTEM, "commit", f"not files to write: {sorted(change.files)}")
        message = messages.with_co_author(change.message, change.author)
        additions = [{"path": path, "contents": base64.b64encode(body).decode()} for path, body in change.files.items()]
        asked = {
            "branch": {"repositoryNameWithOwner": self._repository, "branchName": self.branch},
            "message": messages.headline_and_body(message),
            "fileChanges": {"additions": additions},
            "expectedHeadOid": expected_head,
        }
        try:
            data = await self._api.mutate("commit", MUTATION, {"input": asked})
        except HeadMoved:
            self._written.clear()
            raise
        except Unavailable as error:
            # A 502 may hide a commit that was made (G3); a limit hides none.
            try:
                landed = await self.landed(change, expected_head) if error.retry_after is None else None
            except Refused as unreadable:  # what is there cannot be told: that is no refusal of the commit
                raise error from unreadable
            if landed is None:
                raise
            return landed
        if data.created is None or data.created.commit is None:
            raise Refused(SYSTEM, "commit", "the answer names no commit")
        return self._made(data.created.commit.oid, change, message, expected_head)

    async def landed(self, change: Change, expected_head: str) -> Commit | None:
        """The commit that `change` made on top of `expected_head`, if the branch is there.

        Its words are anybody's, so what it changes is read too.
        """
        head = await self.head()
        if head == expected_head:
            return None
        answer = await self._api.get(f"read commit {head[:12]}", f"{self._base}/commits/{head}")
        read = answer.decode(wire.GitHubCommit)
        message = messages.with_co_author(change.message, change.author)
        if [parent.sha for parent in read.parents] != [expected_head] or read.commit.message.strip("\n") != message:
            return None
        made = await self._holds(change, expected_head, head)
        return self._made(head, change, message, expected_head) if made else None

    async def _holds(self, change: Change, before: str, after: str) -> bool:
        """Whether `change` and nothing else lies between two commits."""
        paths = tuple(change.files)
        differ = await self._differences.between(before, after)
        there = await self._trees.read(paths, before)
        if any(one.path not in change.files or (one.path in there and not one.plain) for one in differ):
            return False
        return await self._trees.read(paths, after) == change.files

    def _made(self, sha: str, change: Change, message: str, expected_head: str) -> Commit:
        self._written[expected_head] = (sha, time.monotonic())
        url = f"{self._web}/commit/{sha}" if self._web else ""
        return Commit(sha, change.author, message, datetime.now(UTC).replace(microsecond=0), url, (expected_head,))

    def _newest(self, sha: str) -> str:
        """Not the head before our own commits, while reads may lag behind them (G5)."""
        oldest = time.monotonic() - self._stale_seconds
        self._written = {before: made for before, made in self._written.items() if made[1] > oldest}
        for _ in range(len(self._written)):  # an answer that named a commit after itself leads in a circle
            sha = self._written.get(sha, (sha,))[0]
        return sha
