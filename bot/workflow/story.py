"""The promotion, told from top to bottom as the runbook tells it.

Everything in here is replayed after a crash: it must do nothing but call steps, wait for signals, and decide on what
they returned. Step names are part of the journal; new steps go after waits, never right before the one that promotions
sit in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from bot.domain.approval import approved, counted, missing
from bot.domain.overlay import Commit
from bot.domain.promotion import (
    Approval,
    ApprovalRule,
    Doubt,
    GateResult,
    Kind,
    Phase,
    Plan,
    Progress,
    Promotion,
    Stage,
    VerdictState,
    Vote,
    VoteKind,
)
from bot.domain.reminder import Reminder, reminders_of
from bot.policy import Policy
from bot.ports import PullRequest
from bot.promotions.committer import Moved
from bot.promotions.follow_up import FollowUp
from bot.promotions.follower import Followed
from bot.promotions.pull_requests import OpenedPull
from bot.promotions.signals import WAKE, Confirmation, Judgement, Look, Signal, Terms, with_vote
from bot.workflow.journal import Journal, Json, unpack
from bot.workflow.retries import Ended, insist
from bot.workflow.sentences import announced_wait, not_known, pause, reasons, unhealthy, what_changed
from bot.workflow.steps import Steps

log = structlog.get_logger(__name__)

T = TypeVar("T")

UNWELL = (Progress.FAILED, Progress.PROGRESSING)
"""when the time to become Healthy is over; a line that somebody replaced, or that changed nothing, is no reason"""
PULL_REQUEST_PAUSE = timedelta(seconds=20)
"""Time between two looks at an open pull request."""


@dataclass(frozen=True)
class CommitMade:
    """Neither: what had been confirmed was too long ago, and nothing was done."""

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
        self._rules = policy.rules_together(plan.apps, plan.environment)
        self._plan = plan
        self._now = Promotion(plan, Phase.RUNNING, Stage.GATES)
        self._gate_rounds = 0
        self._signals = 0
        self._questions = 0
        self._looks = 0
        self._confirmed_at: datetime | None = None
        self._terms: Terms | None = None
        """by the policy at the last confirmation; None in journals of before they were kept"""

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

    async def _be_decided(self) -> None:
        """Gates, people, and both once more right before the commit, until nothing has changed in between."""
        while True:
            await self._pass_gates()
            await self._be_approved()
            if await self._confirmed():
                return

    async def _pass_gates(self) -> None:
        """Ask until every gate holds, for as long as policy says. Blocked ends it at once, but for a release train
        that can go without the apps that are blocked.
        """
        self._now = replace(self._now, stage=Stage.GATES)
        deadline = await self._journal.now(f"gates-begin#{self._gate_rounds + 1}") + self._rules.gate_timeout
        told: tuple[str, ...] = ()
        while True:
            self._gate_rounds += 1
            round_ = self._gate_rounds
            ask = partial(self._steps.ask_gates, self._now, round_)
            results = await self._do(f"gates#{round_}", ask, tuple[GateResult, ...])
            self._now = replace(self._now, results=results)
            if not self._now.blocked:
                return
            self._end_if_blocked()
            told = await self._tell_what_can_stay(told)
            asked = await self._journal.now(f"gates-asked#{round_}")
            deadline = max(deadline, asked + announced_wait(self._now.blocked))
            if asked >= deadline:
                raise Ended(Phase.FAILED, f"Gave up waiting: {reasons(self._now.blocked)}")
            await self._listen(pause(self._now.blocked))

    def _end_if_blocked(self) -> None:
        stopped = [r for r in self._now.blocked if r.verdict.state is VerdictState.BLOCKED]
        if stopped and not self._waits_for_rows:
            raise Ended(Phase.FAILED, f"Blocked: {reasons(stopped)}")

    @property
    def _waits_for_rows(self) -> bool:
        """Whether somebody may still leave out what is blocked, so that the rest of the train goes."""
        return self._plan.version > 1 and not self._plan.automatic and bool(self._now.can_go_without)

    async def _tell_what_can_stay(self, told: tuple[str, ...]) -> tuple[str, ...]:
        """Say once that the train waits for these apps to be left out; the apps that were named last."""
        apps = self._now.can_go_without if self._waits_for_rows else ()
        if apps and apps != told:
            tell = partial(self._steps.offer_to_leave_out, self._now, apps)
            await self._do(f"offer#{self._gate_rounds}", tell, type(None))
        return apps

    async def _be_approved(self) -> None:
        """Wait, for hours if need be, for the right people; any of them may say no."""
        if self._approved():
            return
        self._questions += 1
        number = self._questions
        rule = self._plan.approval
        opened = await self._journal.now(f"approval-opened#{number}")
        expires = self._now.expires_at or opened + rule.expires
        self._now = replace(self._now, stage=Stage.APPROVAL, expires_at=expires)
        await self._reuse_earlier_approvals(number)
        if self._approved():
            return
        await self._do(f"ask-people#{number}", partial(self._steps.ask_people, self._now), type(None))
        await self._wait_for_people(expires, self._reminders(rule, opened, expires))

    def _reminders(self, rule: ApprovalRule, opened: datetime, expires: datetime) -> list[Reminder]:
        """As the version of the story has them: what was waited for stands in the journal."""
        return list(reminders_of(rule, opened, expires, backing_off=self._plan.version > 4))

    async def _wait_for_people(self, expires: datetime, reminders: list[Reminder]) -> None:
        told, waits = 0, 0
        while not self._approved():
            waits += 1
            now = await self._journal.now(f"approval-waits#{self._questions}.{waits}")
            if now >= expires:
                raise Ended(
                    Phase.FAILED,
                    f"Nobody decided in time: it still needed {missing(self._now.rule, self._valid_approvals())}.",
                )
            until = reminders[told].at if told < len(reminders) else expires
            if now < until and await self._listen(until - now):
                continue
            if told < len(reminders):
                await self._remind(told + 1, reminders[told])
                told += 1

    async def _remind(self, number: int, nag: Reminder) -> None:
        remind = partial(self._steps.remind, self._now, self._questions * 100 + number, escalate=nag.escalate)
        await self._do(f"remind#{self._questions}.{number}", remind, type(None))

    async def _reuse_earlier_approvals(self, number: int) -> None:
        if self._plan.approval.reuse and number == 1:
            approvals = await self._do_listening(
                f"reuse#{number}", lambda: self._steps.earlier_approvals(self._now), tuple[Approval, ...]
            )
            self._now = replace(self._now, approvals=(*self._now.approvals, *approvals))

    def _approved(self) -> bool:
        return approved(self._now)

    def _valid_approvals(self) -> tuple[Approval, ...]:
        """Those that were given for exactly what would be done now."""
        return counted(self._now.approvals, self._now.content_hash)

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

    async def _confirmed(self) -> bool:
        """Whether gates and approvals still hold at the moment of the commit."""
        self._now = replace(self._now, stage=Stage.COMMIT)
        self._gate_rounds += 1
        round_ = self._gate_rounds
        confirm = partial(self._steps.confirm, self._now, round_)
        confirmation = await self._do_listening(f"confirm#{round_}", confirm, Confirmation)
        changed = what_changed(self._now, confirmation)
        self._now = replace(self._now, results=confirmation.results, approvals=confirmation.approvals)
        self._confirmed_at = confirmation.at
        if confirmation.terms:
            self._terms = confirmation.terms
            self._now = replace(
                self._now,
                tightened=confirmation.terms.tightened,
                pull_request_since=confirmation.terms.pull_request_since,
            )
        if confirmation.refusal:
            raise Ended(Phase.FAILED, confirmation.refusal)
        self._end_if_blocked()
        if self._now.blocked:
            return False
        if not self._approved():
            self._void(changed)
            return False
        return True

    def _void(self, why: str) -> None:
        self._now = replace(self._now, approvals=self._valid_approvals(), voided=why)

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

    async def _follow(self) -> None:
        deadline = await self._journal.now("follow-begin") + self._rules.follow_timeout
        followed = await self._do("follow", partial(self._steps.follow, self._now, deadline), Followed)
        self._now = replace(self._now, following=followed.following)
        if not followed.healthy:
            raise Ended(Phase.FAILED, unhealthy(followed), self._automatic_rollback(followed))

    async def _watch(self) -> None:
        """For as long as policy says, be ready to take it back."""
        window = max(self._watched.values(), default=None)
        if window is None or self._plan.kind is Kind.ROLLBACK:
            return
        deadline = await self._journal.now("watch-begin") + window
        evidence = await self._do("watch", partial(self._steps.watch, self._now, deadline), str)
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
            log.error("no successor", follow_up=follow_up, error=unknown.outcome)  # noqa: TRY400 (no accident)
            return None

    def _success(self) -> str:
        labels = dict.fromkeys(f"{move.app} {move.after.label}" for move in self._now.moves)
        well = f"{', '.join(labels)} {'is' if len(labels) == 1 else 'are'} Healthy in {self._plan.environment}."
        well = " ".join([well, *(one.explanation for one in self._now.following if one.explanation)])
        locking = self._rules.each.items() if self._plan.kind is Kind.ROLLBACK else ()
        unlock = [f"`/unlock {app} {self._plan.environment}`" for app, rules in locking if rules.rollback().lock]
        return f"{well} It is locked there until somebody says {' and '.join(unlock)}." if unlock else well

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
