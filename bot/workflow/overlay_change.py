"""The second chapter: the overlay changes, by a commit or by a pull request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.domain.overlay import Commit
from bot.domain.promotion import Phase, Stage
from bot.ports import PullRequest
from bot.promotions.committer import Moved
from bot.promotions.follow_up import FollowUp
from bot.promotions.pull_requests import OpenedPull
from bot.workflow.decision import DecisionChapter
from bot.workflow.retries import Ended
from bot.workflow.sentences import not_known

PULL_REQUEST_PAUSE = timedelta(seconds=20)
"""Time between two looks at an open pull request."""


@dataclass(frozen=True)
class CommitMade:
    """Neither: what had been confirmed was too long ago, and nothing was done."""

    commit: Commit | None
    moved: Moved | None


class ChangeChapter(DecisionChapter):
    """Once it is decided, and decided again where that was too long ago."""

    async def _change_the_overlay(self) -> None:
        try:
            if self._terms.pull_request if self._terms else self._rules.pull_request:
                await self._merge()
            else:
                await self._commit()
        except Ended as end:
            if not end.away:
                raise
            raise Ended(end.phase, f"{end.outcome} {not_known(self._now)}", doubt=True) from None

    async def _commit(self) -> None:
        async def make() -> CommitMade:
            made = await self._steps.commit(self._now, self._confirmed_at)
            return CommitMade(None, made) if isinstance(made, Moved) else CommitMade(made, None)

        tries = 1
        result = await self._unless_aborted("commit", make)
        while not (result.commit or result.moved):
            await self._be_decided()
            tries += 1
            result = await self._unless_aborted(f"commit#{tries}", make)
        if result.moved:
            raise Ended(Phase.FAILED, result.moved.sentence, FollowUp.REISSUE)
        self._now = replace(self._now, commit=result.commit, stage=Stage.FOLLOW)

    async def _unless_aborted(self, name: str, make: Callable[[], Awaitable[CommitMade]]) -> CommitMade:
        """Nothing more is pushed after an abort; but what was pushed before it may have arrived, and is followed."""
        try:
            return await self._do_listening(name, make, CommitMade)
        except Ended as end:
            if end.away or end.phase is not Phase.ABORTED:
                raise
            commit = await self._in_git_already(name, end)
            if commit is None:
                raise
            self._now = replace(self._now, rejection=None)
            return CommitMade(commit, None)

    async def _in_git_already(self, name: str, end: Ended) -> Commit | None:
        look = partial(self._steps.in_git_already, self._now)
        try:
            return await self._do(f"{name}-aborted", look, Commit | None)  # type: ignore[arg-type]
        except Ended as unknown:
            raise Ended(Phase.ABORTED, f"{end.outcome} {unknown.outcome}", away=True) from None

    async def _merge(self) -> None:
        """The same change, as a pull request: merged when its checks are green, by Pilothouse or by people."""
        opened = await self._open_pull_request()
        if opened.moved or opened.pull is None:
            sentence = opened.moved.sentence if opened.moved else "The pull request could not be opened."
            raise Ended(Phase.FAILED, sentence, FollowUp.REISSUE)
        self._now = replace(self._now, pull_request=opened.pull.url)
        try:
            pull = await self._tend(opened.pull.number)
        except Ended as end:
            pull = await self._abandon(opened.pull.number, end)
            self._now = replace(self._now, rejection=None)  # too late: somebody had merged it
        if pull.state == "closed":
            raise Ended(Phase.FAILED, "The pull request was closed without being merged.")
        commit = await self._do("merged", partial(self._steps.merged, self._now, pull), Commit)
        self._now = replace(self._now, commit=commit, stage=Stage.FOLLOW)

    async def _open_pull_request(self) -> OpenedPull:
        name = "open-pull-request"
        try:
            return await self._do_listening(name, partial(self._steps.open_pull_request, self._now), OpenedPull)
        except Ended as end:
            if end.phase is Phase.ABORTED:
                withdraw = partial(self._steps.withdraw_pull_request, self._now, end.outcome)
                await self._do(f"{name}-aborted", withdraw, type(None))
            raise

    async def _tend(self, number: int) -> PullRequest:
        """Until it is merged or closed. Raises Ended for an abort, and when the approvals are too old for it."""
        deadline: datetime | None = None
        if self._plan.version > 1:
            deadline = await self._journal.now("pull-request-begin") + self._plan.approval.expires
        looks = 0
        while True:
            looks += 1
            tend = partial(self._steps.tend_pull_request, self._now, number, self._confirmed_at)
            pull = await self._do_listening(f"pull-request#{looks}", tend, PullRequest)
            if pull.state != "open":
                return pull
            self._now = replace(self._now, held_up=pull.held_up)
            if pull.checks == "success" and not pull.held_up:
                await self._be_decided()
            elif deadline is None:
                await self._journal.sleep(PULL_REQUEST_PAUSE)
            else:
                await self._wait_for_the_merge(f"pull-request-asked#{looks}", deadline)

    async def _wait_for_the_merge(self, name: str, deadline: datetime) -> None:
        if await self._journal.now(name) >= deadline:
            raise Ended(Phase.FAILED, f"The pull request was not merged in time. {self._now.held_up}".strip())
        await self._listen(PULL_REQUEST_PAUSE)

    async def _abandon(self, number: int, end: Ended) -> PullRequest:
        """Close it, saying why; the pull request when somebody has merged it before that. Else raises the end."""
        abandon = partial(self._steps.abandon_pull_request, number, end.outcome)
        pull = await self._do("abandon-pull-request", abandon, PullRequest | None)  # type: ignore[arg-type]
        if pull is None or pull.state != "merged":
            raise Ended(end.phase, end.outcome, end.follow_up)  # closed: nobody needs to look again
        return pull
