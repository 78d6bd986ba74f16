"""The change as a pull request, for environments that are changed that way: opened, tended, merged."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.errors import HeadMoved, Refused
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Promotion
from bot.ports import OverlaySource, PullRequest, PullRequests
from bot.workflow.committer import Committer, Moved, author, edited, message

MERGE_TRIES = 5
"""Times that a merge is tried within one look, where others merge at the same time."""
MERGE_PAUSE = 0.5
"""seconds between two of them, at most"""


@dataclass(frozen=True)
class Opened:
    """The pull request, or what has moved under the approvals meanwhile."""

    pull: PullRequest | None
    moved: Moved | None = None


@dataclass(frozen=True)
class PullRequestSteps:
    """Raises Refused when no client for pull requests is configured."""

    source: OverlaySource
    committer: Committer
    pulls: PullRequests | None
    body: Callable[[Promotion], str]
    """the verdict as the pull request's text"""

    async def open(self, promotion: Promotion) -> Opened:
        """Safe to repeat: the branch is named after the promotion, and its open pull request is found again."""
        plan = promotion.plan
        head = await self.source.head()
        contents = await self.source.read([move.overlay for move in promotion.moves], head)
        if moved := await self.committer.moved(promotion.moves, contents):
            return Opened(None, moved)
        change = Change(edited(promotion.moves, contents), message(promotion), author(plan.requester))
        title = message(promotion).partition("\n")[0]
        return Opened(await self._client().open(change, f"pilothouse/{plan.id}", head, title, self.body(promotion)))

    async def tend(self, promotion: Promotion, number: int, *, merge: bool = True) -> PullRequest:
        """Merge it (if that is wanted) once its checks are green; people may have done so, or closed it, before."""
        client = self._client()
        pull = await client.get(number)
        if pull.state != "open" or pull.checks != "success" or not merge:
            return pull
        for _ in range(MERGE_TRIES):
            try:
                return await client.merge(number, message(promotion))
            except HeadMoved:  # somebody else's merge came in between
                await asyncio.sleep(random.uniform(0, MERGE_PAUSE))  # noqa: S311 (not a secret)
        return pull

    async def abandon(self, number: int, why: str) -> None:
        await self._client().close(number, why)

    async def commit_of(self, promotion: Promotion, pull: PullRequest) -> Commit:
        """What the merge put on the branch."""
        for commit in await self.source.history(promotion.moves[0].overlay, 20):
            if commit.sha == pull.merge_commit:
                return commit
        at = promotion.plan.requested_at
        return Commit(pull.merge_commit, author(promotion.plan.requester), message(promotion), at, pull.url)

    def _client(self) -> PullRequests:
        if self.pulls is None:
            raise Refused(
                "git", "open a pull request", "pull-request mode needs GitHub: set PILOTHOUSE_GITHUB__REPOSITORY"
            )
        return self.pulls
