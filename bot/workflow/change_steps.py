"""The steps that change the overlay, by a commit or by a pull request."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NoReturn

import structlog

from bot.domain.errors import OverlayDrift
from bot.domain.overlay import Commit
from bot.domain.promotion import Promotion, Stage
from bot.ports import PullRequest
from bot.promotions.committer import Moved
from bot.promotions.pull_requests import MergeResult, OpenedPull
from bot.promotions.record import entry_of
from bot.workflow.step_parts import StepParts

log = structlog.get_logger(__name__)


class ChangeSteps(StepParts):
    """How the change gets into git, and how it is written down."""

    async def commit(self, promotion: Promotion, confirmed: datetime | None) -> Commit | Moved | None:
        """The one effect that all of this is about. None: not made, for what was confirmed is too long ago by now."""
        await self._show(promotion)
        still = partial(self._fresh, confirmed)
        made = await (self.committer.commit(promotion, still) if still() else self.committer.find(promotion))
        if isinstance(made, Commit):
            await self.committed(promotion, made)
        return made

    async def in_git_already(self, promotion: Promotion) -> Commit | None:
        """After an abort: whether the commit had been made before that. Then it is written down, and nobody aborted."""
        made = await self.committer.find(promotion)
        if made and promotion.rejection:
            await self.committed(replace(promotion, rejection=None), made)
            late = f"{promotion.id} was in git already ({made.short}), so it continues. Roll back if it must not stay."
            await self.reminders.refuse(promotion.plan.channel, promotion.rejection.by.id, late)
        return made

    async def committed(self, promotion: Promotion, commit: Commit) -> None:
        """Write down that the overlay has changed; a break-glass owes its review from here on."""
        now = replace(promotion, commit=commit, stage=Stage.FOLLOW)
        log.info(
            "promotion.committed", sha=commit.sha, approvers=[approval.approver.id for approval in promotion.approvals]
        )
        entry = entry_of(now, "committed", "commit", commit=commit.sha, break_glass=now.plan.break_glass)
        await self.record.write(now, entry, None, partial(self.follow_ups.owe_review, now))
        await self._show(now)

    async def open_pull_request(self, promotion: Promotion) -> OpenedPull:
        opened = await self.pull_requests.open(promotion)
        if opened.pull:
            shown = replace(promotion, pull_request=opened.pull.url)
            entry = entry_of(shown, "pull-request", "open-pull-request", url=opened.pull.url)
            await self.record.write(shown, entry)
            await self._show(shown)
        return opened

    async def tend_pull_request(self, promotion: Promotion, number: int, confirmed: datetime | None) -> PullRequest:
        """Merged when it is green; left open when it is, but what was confirmed is too long ago by now."""
        pull = await self.pull_requests.tend(promotion, number, partial(self._fresh, confirmed))
        if pull.held_up != promotion.held_up:
            told = replace(promotion, held_up=pull.held_up)
            await self.record.write(told)
            await self._show(told)
        return pull

    async def abandon_pull_request(self, number: int, why: str) -> PullRequest:
        """Closed, if nobody has merged it before."""
        return await self.pull_requests.abandon(number, why)

    async def withdraw_pull_request(self, promotion: Promotion, why: str) -> None:
        """The one that may have been opened, though nobody heard the answer."""
        await self.pull_requests.withdraw(promotion, why)

    async def merged(self, promotion: Promotion, pull: PullRequest) -> Commit:
        """Write down what was merged. Raises OverlayDrift when that is not what was approved, after taking it back."""
        merge = await self.pull_requests.merge_of(promotion, pull.number)
        if merge.strange:
            await self._take_back(promotion, merge)
        await self.committed(promotion, merge.commit)
        return merge.commit

    async def _take_back(self, promotion: Promotion, merge: MergeResult) -> NoReturn:
        """Loudly: the audit, the card's channel and whoever administers hear of it."""
        done = await self.pull_requests.take_back(promotion, merge)
        sentence = f"{merge.strange}. {done.rstrip('.')}"
        entry = entry_of(promotion, "tampered", "tampered", actor="pilothouse", commit=merge.commit.sha, told=sentence)
        await self.record.audit.record(entry)
        await self.reminders.alarm(promotion, await self._show(promotion), sentence)
        raise OverlayDrift(sentence)
