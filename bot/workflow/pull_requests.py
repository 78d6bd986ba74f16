"""The change as a pull request, for environments that are changed that way: opened, tended, merged."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.domain.errors import HeadMoved, OverlayDrift, Refused
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
        pull = await self._client().get(number)
        if pull.state == "open" and pull.checks == "failure":
            return replace(pull, held_up="Its checks fail: mend them, or close it.")
        if pull.state != "open" or pull.checks != "success" or not merge:
            return pull
        return await self._merged(promotion, pull)

    async def _merged(self, promotion: Promotion, pull: PullRequest) -> PullRequest:
        """What keeps us from merging need not keep people from it."""
        why = ""
        for _ in range(MERGE_TRIES):
            try:
                return await self._client().merge(pull.number, message(promotion))
            except HeadMoved as moved:  # somebody else's merge came in between, or something was added to the branch
                why = moved.detail
                await asyncio.sleep(random.uniform(0, MERGE_PAUSE))  # noqa: S311 (not a secret)
            except Refused as refused:
                why = refused.detail
                break
        return replace(pull, held_up=f"It cannot be merged yet ({why.rstrip('.')}): merge it, or close it.")

    async def abandon(self, number: int, why: str) -> PullRequest:
        """As it is afterwards: somebody may have merged it before it was closed."""
        await self._client().close(number, why)
        return await self._client().get(number)

    async def commit_of(self, promotion: Promotion, pull: PullRequest) -> Commit:
        """What the merge put on the branch. Raises OverlayDrift when that is not what was approved."""
        await self._check_content(promotion, pull)
        for commit in await self.source.history(promotion.moves[0].overlay, 20):
            if commit.sha == pull.merge_commit:
                return commit
        at = promotion.plan.requested_at
        return Commit(pull.merge_commit, author(promotion.plan.requester), message(promotion), at, pull.url)

    async def _check_content(self, promotion: Promotion, pull: PullRequest) -> None:
        """People may have added to the branch before they merged it."""
        contents = await self.source.read([move.overlay for move in promotion.moves], pull.merge_commit)
        if dict(contents) != edited(promotion.moves, contents):
            raise OverlayDrift(
                f"the pull request was merged with something else than what was approved: look at {pull.url}, "
                "and roll back if it must not stay"
            )

    def _client(self) -> PullRequests:
        if self.pulls is None:
            raise Refused(
                "git", "open a pull request", "pull-request mode needs GitHub: set PILOTHOUSE_GITHUB__REPOSITORY"
            )
        return self.pulls
