"""The promotion, told from top to bottom as the runbook tells it.

Everything in here is replayed after a crash: it must do nothing but call steps, wait for signals, and decide on what
they returned. Step names are part of the journal; new steps go after waits, never right before the one that promotions
sit in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from bot.domain.approval import missing, quorum
from bot.domain.overlay import Commit
from bot.domain.promotion import (
    GateResult,
    Phase,
    Plan,
    Progress,
    Promotion,
    Stage,
    Verdict,
    VerdictState,
    Vote,
    VoteKind,
)
from bot.policy import Policy
from bot.workflow.committer import Moved
from bot.workflow.follower import Followed
from bot.workflow.insistence import Ended, insist
from bot.workflow.journal import Journal, Json, unpack
from bot.workflow.steps import Confirmation, Judgement, Signal, Steps, with_vote

T = TypeVar("T")

LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class CommitMade:
    commit: Commit | None
    moved: Moved | None


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


class Telling:
    """One promotion on its way."""

    def __init__(self, journal: Journal, steps: Steps, policy: Policy, plan: Plan) -> None:
        self._journal = journal
        self._steps = steps
        self._rules = policy.rules(plan.apps[0], plan.environment)
        self._plan = plan
        self._now = Promotion(plan, Phase.RUNNING, Stage.GATES)
        self._gate_rounds = 0
        self._signals = 0
        self._rounds = 0

    async def tell(self) -> Promotion:
        try:
            await self._announce()
            await self._be_decided()
            await self._commit()
            await self._follow()
        except Ended as end:
            return await self._conclude(end.phase, end.outcome)
        return await self._conclude(Phase.SUCCEEDED, self._success())

    async def _announce(self) -> None:
        await self._do("announce", partial(self._steps.announce, self._now), type(None))

    async def _be_decided(self) -> None:
        """Gates, people, and both once more right before the commit, until nothing has changed in between."""
        while True:
            await self._pass_gates()
            await self._be_approved()
            if await self._confirmed():
                return

    async def _pass_gates(self) -> None:
        """Ask until every gate holds. Blocked ends it at once; Waiting is asked again, for as long as policy says."""
        self._now = replace(self._now, stage=Stage.GATES)
        deadline = await self._journal.now(f"gates-begin#{self._gate_rounds + 1}") + self._rules.gate_timeout
        while True:
            self._gate_rounds += 1
            round_ = self._gate_rounds
            ask = partial(self._steps.ask_gates, self._now, round_)
            results = await self._do(f"gates#{round_}", ask, tuple[GateResult, ...])
            self._now = replace(self._now, results=results)
            if not self._now.blocked:
                return
            self._end_if_blocked()
            if await self._journal.now(f"gates-asked#{round_}") >= deadline:
                raise Ended(Phase.FAILED, f"Gave up waiting: {_reasons(self._now.blocked)}")
            await self._listen(_pause(self._now.blocked))

    def _end_if_blocked(self) -> None:
        if stopped := [r for r in self._now.blocked if r.verdict.state is VerdictState.BLOCKED]:
            raise Ended(Phase.FAILED, f"Blocked: {_reasons(stopped)}")

    async def _be_approved(self) -> None:
        """Wait, for hours if need be, for the right people; any of them may say no."""
        rule = self._plan.approval
        if quorum(rule, self._now.approvals):
            return
        self._rounds += 1
        opened = await self._journal.now(f"approval-opened#{self._rounds}")
        expires = self._now.expires_at or opened + rule.expires
        self._now = replace(self._now, stage=Stage.APPROVAL, expires_at=expires)
        await self._do(f"ask-people#{self._rounds}", partial(self._steps.ask_people, self._now), type(None))
        while not quorum(rule, self._now.approvals):
            left = expires - await self._journal.now(f"approval-waits#{self._rounds}.{self._signals}")
            if left <= timedelta(0) or not await self._listen(left):
                raise Ended(Phase.FAILED, f"Nobody decided in time: {missing(rule, self._now.approvals)} was wanted.")

    async def _listen(self, within: timedelta) -> bool:
        """Wait for one signal and judge it; False when none came. Raises Ended for a rejection or an abort."""
        heard = await self._journal.receive(within)
        if heard is None:
            return False
        self._signals += 1
        signal = unpack(heard, Signal)
        judgement = await self._do(f"judge#{self._signals}", partial(self._steps.judge, self._now, signal), Judgement)
        if judgement.vote:
            self._now = with_vote(self._now, judgement.vote)
            _end_if_refused(judgement.vote)
        return True

    async def _confirmed(self) -> bool:
        """Whether gates and approvals still hold at the moment of the commit."""
        self._now = replace(self._now, stage=Stage.COMMIT)
        self._gate_rounds += 1
        round_ = self._gate_rounds
        confirmation = await self._do(
            f"confirm#{round_}", partial(self._steps.confirm, self._now, round_), Confirmation
        )
        self._now = replace(self._now, results=confirmation.results, approvals=confirmation.approvals)
        if confirmation.refusal:
            raise Ended(Phase.FAILED, confirmation.refusal)
        self._end_if_blocked()
        return not self._now.blocked and quorum(self._plan.approval, self._now.approvals)

    async def _commit(self) -> None:
        async def make() -> CommitMade:
            made = await self._steps.commit(self._now)
            return CommitMade(None, made) if isinstance(made, Moved) else CommitMade(made, None)

        result = await self._do("commit", make, CommitMade)
        if result.moved:
            raise Ended(Phase.FAILED, f"{result.moved.sentence} Ask for it again to see the new card.")
        self._now = replace(self._now, commit=result.commit, stage=Stage.FOLLOW)

    async def _follow(self) -> None:
        deadline = await self._journal.now("follow-begin") + self._rules.follow_timeout
        followed = await self._do("follow", partial(self._steps.follow, self._now, deadline), Followed)
        self._now = replace(self._now, following=followed.following)
        if not followed.healthy:
            raise Ended(Phase.FAILED, _unhealthy(followed))

    async def _conclude(self, phase: Phase, outcome: str) -> Promotion:
        finished = await self._journal.now("finished")
        self._now = replace(self._now, phase=phase, stage=Stage.DONE, outcome=outcome, finished_at=finished)
        await self._do("conclude", partial(self._steps.conclude, self._now), type(None))
        return self._now

    def _success(self) -> str:
        labels = ", ".join(f"{move.app} {move.after.label}" for move in self._plan.moves)
        return f"{labels} is Healthy in {self._plan.environment}."

    async def _do(self, name: str, effect: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        return await insist(self._journal, name, effect, kind)


def _end_if_refused(vote: Vote) -> None:
    if vote.kind is VoteKind.REJECT:
        reason = f": {vote.reason}" if vote.reason else "."
        raise Ended(Phase.FAILED, f"Rejected by {vote.by.name}{reason}")
    if vote.kind is VoteKind.ABORT:
        raise Ended(Phase.ABORTED, f"Aborted by {vote.by.name}.")


def _pause(waiting: tuple[GateResult, ...]) -> timedelta:
    pauses = [result.verdict.retry_after for result in waiting if result.verdict.retry_after]
    return max(min(pauses, default=LONGEST_PAUSE), timedelta(seconds=1))


def _reasons(results: tuple[GateResult, ...] | list[GateResult]) -> str:
    return " ".join(f"{result.gate}: {_sentence(result.verdict)}" for result in results)


def _sentence(verdict: Verdict) -> str:
    return verdict.reason if verdict.reason.endswith(".") else f"{verdict.reason}."


def _unhealthy(followed: Followed) -> str:
    worst = [f for f in followed.following if f.progress is not Progress.HEALTHY]
    why = " ".join(f"{f.application.name}: {f.explanation or f.health or f.sync or 'no answer'}" for f in worst)
    return f"{'Not Healthy in time. ' if followed.timed_out else ''}{why}"
