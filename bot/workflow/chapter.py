"""What every chapter of the story has: the promotion as it stands, its journal, and people who are heard."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from bot.domain.promotion import Phase, Plan, Promotion, Stage, Vote, VoteKind
from bot.policy import Policy
from bot.promotions.follow_up import FollowUp
from bot.promotions.signals import WAKE, Judgement, Look, Signal, Terms, with_vote
from bot.workflow.journal import Journal, unpack
from bot.workflow.retries import Ended, insist
from bot.workflow.steps import Steps

T = TypeVar("T")


class Chapter:
    """One promotion on its way, as far as it has been told."""

    def __init__(self, journal: Journal, steps: Steps, policy: Policy, plan: Plan) -> None:
        self._journal = journal
        self._steps = steps
        self._rules = policy.rules_together(plan.apps, plan.environment)
        # Of another policy a journal that is told again would lead to other steps, and the story would break off.
        self._gate_timeout = plan.gate_timeout or self._rules.gate_timeout
        self._plan = plan
        self._now = Promotion(plan, Phase.RUNNING, Stage.GATES)
        self._gate_rounds = 0
        self._signals = 0
        self._questions = 0
        self._looks = 0
        self._decided_on: Promotion | None = None
        """as it was when enough people had said yes; None before that, and since their approvals were void"""
        self._confirmed_at: datetime | None = None
        self._terms: Terms | None = None
        """by the policy at the last confirmation; None in journals of before they were kept"""

    async def _listen(self, within: timedelta) -> bool:
        """Wait for one signal, and judge what was said; False when none came. Raises Ended for a no or an abort."""
        heard = await self._journal.receive(within)
        if heard is None:
            return False
        if heard == WAKE:
            await self._look_again()
            return True
        self._signals += 1
        signal = unpack(heard, Signal)
        judge = partial(self._steps.judge, self._now, signal)
        judgement = await self._do(f"judge#{self._signals}", judge, Judgement)
        if judgement.vote:
            self._now = with_vote(self._now, judgement.vote)
            _end_if_refused(judgement.vote)
        if judgement.moved:
            raise Ended(Phase.FAILED, judgement.moved.sentence, FollowUp.REISSUE)
        if judgement.left_out is not None:
            self._now = replace(self._now, left_out=judgement.left_out, approvals=())
        return True

    async def _look_again(self) -> None:
        """While people are asked: whether they are still asked about what the overlay shows."""
        if self._now.stage is not Stage.APPROVAL or self._plan.version < 3:
            return
        self._looks += 1
        look = partial(self._steps.look, self._now)
        if moved := (await self._do(f"look#{self._looks}", look, Look)).moved:
            raise Ended(Phase.FAILED, moved.sentence, FollowUp.REISSUE)

    async def _do(self, name: str, effect: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        return await insist(self._journal, name, effect, kind)

    async def _do_listening(self, name: str, effect: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        """While the system that it needs is away, people are heard. Raises Ended for an abort, too."""
        return await insist(self._journal, name, effect, kind, self._listen if self._plan.keeps_terms else None)


def _end_if_refused(vote: Vote) -> None:
    if vote.kind is VoteKind.REJECT:
        reason = f": {vote.reason}" if vote.reason else "."
        raise Ended(Phase.FAILED, f"Rejected by {vote.by.name}{reason}")
    if vote.kind is VoteKind.ABORT:
        raise Ended(Phase.ABORTED, f"Aborted by {vote.by.name}.")
