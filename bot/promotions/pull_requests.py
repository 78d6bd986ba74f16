"""The change as a pull request, for environments that are changed that way: opened, tended, merged.

A branch's name is anybody's, and so are its words: before it is adopted, voted on, merged, and after that, what counts
is that the approved lines lie between two commits, and nothing else.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from bot.domain.errors import DatabaseAway, HeadMoved, IntegrationError, OverlayMoved, Refused
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Plan, Promotion
from bot.ports import OverlaySource, PullRequest, PullRequests
from bot.promotions.commit_message import author, headline, message
from bot.promotions.committer import Committer, Moved, always, edited

log = structlog.get_logger(__name__)

MERGE_TRIES = 5
"""Times that a merge is tried within one look, where others merge at the same time."""
MERGE_PAUSE = 0.5
"""seconds between two of them, at most"""
NAMED = 5
"""paths that a sentence names"""


@dataclass(frozen=True)
class OpenedPull:
    """The pull request, or what has moved under the approvals meanwhile."""

    pull: PullRequest | None
    moved: Moved | None = None


@dataclass(frozen=True)
class MergeResult:
    """What a merge has put on the branch; `strange`: a sentence, "" when it is what was approved and nothing else."""

    commit: Commit
    strange: str = ""


@dataclass(frozen=True)
class PullRequestSteps:
    """Raises Refused when no client for pull requests is configured."""

    source: OverlaySource
    committer: Committer
    pulls: PullRequests | None
    body: Callable[[Promotion], str]
    """the verdict as the pull request's text"""
    _good: set[tuple[str, str, str, str]] = field(default_factory=set, compare=False)
    """what was looked at and found to be as approved: commits never change, so once is enough"""

    async def open(self, promotion: Promotion) -> OpenedPull:
        """Safe to repeat: the branch is named after the promotion, and its open pull request is found again.

        Raises Refused where somebody has put something else there before.
        """
        plan = promotion.plan
        head = await self.source.head()
        contents = await self.source.read([move.overlay for move in promotion.moves], head)
        if moved := await self.committer.moved(promotion.moves, contents):
            return OpenedPull(None, moved)
        await self.committer.check_effect(promotion, head)
        change = Change(edited(promotion.moves, contents), message(promotion), author(plan.requester))
        asked = (_branch(plan), head, headline(promotion), self.body(promotion))
        pull = await self._client().open(change, *asked)
        if pull.state == "open" and (strange := await self.strange(promotion, pull)):
            raise Refused("git", "adopt a pull request", f"{strange} Close {pull.url}, then promote again")
        return OpenedPull(pull)

    async def strange(self, promotion: Promotion, pull: PullRequest) -> str:
        """What an open pull request holds beside the approved lines, as a sentence; "" when there is nothing."""
        key = (promotion.id, promotion.content_hash, pull.fork, pull.head)
        if key in self._good:
            return ""
        if pull.commits != 1:
            return f"It holds {pull.commits} commits instead of the one that was approved."
        if odd := await self.committer.strange(promotion, pull.fork, pull.head):
            return f"It holds something else than what was approved ({_named(odd)})."
        self._good.add(key)
        return ""

    async def tampered(self, promotion: Promotion) -> str:
        """Why nobody may approve it now, also because nobody can tell; "" when nothing is wrong, or nothing is open."""
        if not promotion.pull_request:
            return ""
        number = promotion.pull_request.rpartition("/")[2]
        if not number.isdigit() or self.pulls is None:
            return f"Pilothouse cannot read {promotion.pull_request}, so this approval does not count."
        try:
            pull = await self.pulls.get(int(number))
            strange = await self.strange(promotion, pull) if pull.state == "open" else ""
        except DatabaseAway:
            raise
        except IntegrationError as error:
            log.warning("approval.pull_request_unreadable", error=str(error))
            return (
                "Pilothouse could not read the pull request just now, so this approval does not count: "
                "press Approve again in a minute."
            )
        return f"{strange} Close {pull.url}, or take the rest out of it." if strange else ""

    async def tend(self, promotion: Promotion, number: int, still: Callable[[], bool] = always) -> PullRequest:
        """Merge it once its checks are green; people may have done so, or closed it, before.

        `still`: whether what was confirmed holds. It stays open where it does not, and with nothing that holds it up.
        Raises OverlayMoved where the branch shows something else by now: the same line, changed by hand, is no
        conflict for git.
        """
        pull = await self._client().get(number)
        if pull.state != "open":
            return pull
        if strange := await self.strange(promotion, pull):
            return _held(pull, strange)
        if pull.checks == "failure":
            return replace(pull, held_up="Its checks fail: fix them, or close it.")
        if pull.checks != "success":
            return pull
        return await self._merged(promotion, pull, still)

    async def _merged(self, promotion: Promotion, pull: PullRequest, still: Callable[[], bool]) -> PullRequest:
        """What keeps us from merging need not keep people from it."""
        why = ""
        for _ in range(MERGE_TRIES):
            await self._check_lines(promotion)
            if not still():
                return pull
            try:
                words = (message(promotion), author(promotion.plan.requester))
                return await self._client().merge(pull.number, pull.head, *words)
            except HeadMoved as moved:  # somebody else's merge came in between, or something was added to the branch
                why = moved.detail
            except Refused as refused:
                why = refused.detail
                break
            await asyncio.sleep(random.uniform(0, MERGE_PAUSE))  # noqa: S311 (not a secret)
            pull = await self._client().get(pull.number)
            if pull.state != "open":
                return pull
            if strange := await self.strange(promotion, pull):
                return _held(pull, strange)
        return replace(pull, held_up=f"It cannot be merged yet ({why.rstrip('.')}): merge it, or close it.")

    async def _check_lines(self, promotion: Promotion) -> None:
        """Raises OverlayMoved."""
        head = await self.source.head()
        contents = await self.source.read([move.overlay for move in promotion.moves], head)
        if moved := await self.committer.moved(promotion.moves, contents):
            raise OverlayMoved(moved.sentence)

    async def abandon(self, number: int, why: str) -> PullRequest:
        """As it is afterwards: somebody may have merged it before it was closed."""
        await self._client().close(number, why)
        return await self._client().get(number)

    async def withdraw(self, promotion: Promotion, why: str) -> None:
        """Close the one from our branch, if there is one."""
        if pull := await self._client().opened(_branch(promotion.plan)):
            await self._client().close(pull.number, why)

    async def found_merged(self, promotion: Promotion, why: str) -> PullRequest | None:
        """After the end: the one that was, or may have been, opened for it, if it is merged; else it is closed."""
        number = promotion.pull_request.rpartition("/")[2]
        if not number.isdigit():
            opened = await self.pulls.opened(_branch(promotion.plan)) if self.pulls else None
            number = str(opened.number) if opened else ""
        if not number:
            return None
        pull = await self._client().get(int(number))
        if pull.state == "open":
            pull = await self.abandon(pull.number, why)
        return pull if pull.state == "merged" else None

    async def merge_of(self, promotion: Promotion, number: int) -> MergeResult:
        """What the merge put on the branch, judged by what lies between it and the commit before it.

        Raises OverlayMoved where that is nothing, for somebody had changed the lines by hand.
        """
        pull = await self._client().get(number)
        before = pull.merge_parents[0] if pull.merge_parents else ""
        if before and not await self.source.differences(before, pull.merge_commit):
            await self._check_lines(promotion)
        odd = await self.committer.strange(promotion, before, pull.merge_commit)
        commit = await self._commit(promotion, pull)
        if odd:
            return MergeResult(
                commit, f"{pull.url} was merged with something else than what was approved ({_named(odd)})"
            )
        if pull.commits != 1 and len(pull.merge_parents) == 1:
            # Rebased one by one, all but the last lie before the commit that is looked at.
            return MergeResult(commit, f"{pull.url} was merged with {pull.commits} commits instead of the approved one")
        return MergeResult(commit)

    async def take_back(self, promotion: Promotion, merge: MergeResult) -> str:
        """Put everything back that the merge has changed, as far as that is known; what came of it, as a sentence."""
        if len(merge.commit.parents) == 0:
            return "Look at it, and take it back yourself."
        why = f"Take back the merge {merge.commit.short}\n\nIt held something else than promotion {promotion.id}."
        try:
            return await self.committer.restore(merge.commit.parents[0], merge.commit.sha, why)
        except Refused as refused:
            log.warning("commit.revert_failed", commit=merge.commit.sha, error=str(refused))
            return f"Pilothouse may not take it back ({refused.detail.rstrip('.')}): revert {merge.commit.short} now."

    async def _commit(self, promotion: Promotion, pull: PullRequest) -> Commit:
        for commit in await self.source.history(promotion.moves[0].overlay, 20):
            if commit.sha == pull.merge_commit:
                return replace(commit, parents=pull.merge_parents)
        plan = promotion.plan
        words = (author(plan.requester), message(promotion), plan.requested_at, pull.url)
        return Commit(pull.merge_commit, *words, pull.merge_parents)

    def _client(self) -> PullRequests:
        if self.pulls is None:
            raise Refused(
                "git", "open a pull request", "pull-request mode needs GitHub: set PILOTHOUSE_GITHUB__REPOSITORY"
            )
        return self.pulls


def _branch(plan: Plan) -> str:
    """An older plan has none of its own."""
    return plan.branch or f"pilothouse/{plan.id}"


def _held(pull: PullRequest, strange: str) -> PullRequest:
    return replace(pull, held_up=f"{strange} Pilothouse does not merge that: take the rest out, or close it.")


def _named(paths: tuple[str, ...]) -> str:
    more = len(paths) - NAMED
    return ", ".join(paths[:NAMED]) + (f" and {more} more" if more > 0 else "")
