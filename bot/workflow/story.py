"""The promotion, told from top to bottom as the runbook tells it.

Everything in here and in its chapters is replayed after a crash: it must do nothing but call steps, wait for signals,
and decide on what they returned. Step names are part of the journal; new steps go after waits, never right before the
one that promotions sit in.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.domain.promotion import Doubt, Kind, Phase, Plan, Progress, Promotion, Stage
from bot.domain.sentence import listed
from bot.policy import Policy
from bot.promotions.follow_up import FollowUp
from bot.promotions.follower import Followed
from bot.workflow.journal import Journal, Json, unpack
from bot.workflow.overlay_change import ChangeChapter
from bot.workflow.retries import Ended
from bot.workflow.sentences import unhealthy
from bot.workflow.steps import Steps

log = structlog.get_logger(__name__)

UNWELL = (Progress.FAILED, Progress.PROGRESSING)
"""when the time to become Healthy is over; a line that somebody replaced, or that changed nothing, is no reason"""


class Story:
    """Tells one promotion after another; holds no state of any of them."""

    def __init__(self, steps: Steps, policy: Policy) -> None:
        self._steps = steps
        self._policy = policy

    async def __call__(self, journal: Journal, data: Json) -> Json:
        plan = unpack(data, Plan)
        with structlog.contextvars.bound_contextvars(promotion=plan.id, correlation_id=plan.correlation_id):
            promotion = await Telling(journal, self._steps, self._policy, plan).tell()
        return {"phase": promotion.phase}


class Telling(ChangeChapter):
    """One promotion on its way."""

    async def tell(self) -> Promotion:
        try:
            await self._do("announce", partial(self._steps.announce, self._now), type(None))
            await self._be_decided()
            await self._change_the_overlay()
            await self._follow()
            await self._watch()
        except Ended as end:
            self._now = replace(self._now, doubt=Doubt.OPEN if end.doubt else Doubt.NONE)
            return await self._conclude(end.phase, end.outcome, end.follow_up)
        return await self._conclude(Phase.SUCCEEDED, self._success())

    async def _follow(self) -> None:
        deadline = await self._journal.now("follow-begin") + self._rules.follow_timeout
        followed = await self._do("follow", partial(self._steps.follow, self._now, deadline), Followed)
        self._now = replace(self._now, following=followed.following)
        if not followed.healthy:
            raise Ended(Phase.FAILED, unhealthy(followed), self._automatic_rollback(followed))

    async def _watch(self) -> None:
        """For as long as policy says of each app, be ready to take it back."""
        if not self._watched or self._plan.kind is Kind.ROLLBACK:
            return
        begun = await self._journal.now("watch-begin")
        until = {app: begun + window for app, window in self._watched.items()}
        evidence = await self._do("watch", partial(self._steps.watch, self._now, until), str)
        if evidence:
            raise Ended(Phase.FAILED, f"{evidence}.", FollowUp.ROLL_BACK)

    def _automatic_rollback(self, followed: Followed) -> FollowUp | None:
        """Policy takes back what is not well; an Argo CD that has not even tried is no reason to."""
        unwell = {one.application for one in followed.following if one.progress in UNWELL}
        watched = [move for move in self._now.moves if move.app in self._watched and move.application in unwell]
        return FollowUp.ROLL_BACK if watched else None

    @property
    def _watched(self) -> dict[str, timedelta]:
        """By the policy that confirmed it: a journal that is told again must lead to the same steps."""
        return self._terms.watched if self._terms else self._rules.watched

    async def _conclude(self, phase: Phase, outcome: str, follow_up: FollowUp | None = None) -> Promotion:
        finished = await self._journal.now("finished")
        self._now = replace(self._now, phase=phase, stage=Stage.DONE, outcome=outcome, finished_at=finished)
        successor: Plan | None = None
        if follow_up:
            successor = await self._successor(follow_up)
            self._now = replace(self._now, successor=successor.id if successor else "")
        await self._do("conclude", partial(self._steps.conclude, self._now, successor), type(None))
        return self._now

    async def _successor(self, follow_up: FollowUp) -> Plan | None:
        """None when nothing can take its place, or what it takes to tell that stays away for too long."""
        prepare = partial(self._steps.prepare, self._now, follow_up)
        try:
            return next(iter(await self._do("successor", prepare, list[Plan])), None)
        except Ended as unknown:
            log.error("successor.not_started", follow_up=follow_up, error=unknown.outcome)  # noqa: TRY400 (no accident)
            return None

    def _success(self) -> str:
        labels = dict.fromkeys(f"{move.app} {move.after.label}" for move in self._now.moves)
        well = f"{listed(list(labels))} {'is' if len(labels) == 1 else 'are'} Healthy in {self._plan.environment}."
        well = " ".join([well, *(one.explanation for one in self._now.following if one.explanation)])
        locking = self._rules.each.items() if self._plan.kind is Kind.ROLLBACK else ()
        unlock = [f"`/unlock {app} {self._plan.environment}`" for app, rules in locking if rules.rollback().lock]
        return f"{well} It is locked there until somebody runs {' and '.join(unlock)}." if unlock else well
