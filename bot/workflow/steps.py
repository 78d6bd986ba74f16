"""The steps of a promotion's story: each has one effect, may run twice, and leaves the record and the card telling it.

A step that finds its effect already there (after a crash) reports it instead of repeating it.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn, Protocol

import structlog

from bot.deliveries.application_record import asked_live
from bot.domain.caller import Caller, Permission, Person, Target
from bot.domain.errors import (
    Conflict,
    DatabaseAway,
    IntegrationError,
    NotAllowed,
    NotFound,
    OverlayDrift,
    PromotionInProgress,
    UserError,
)
from bot.domain.event import Event
from bot.domain.overlay import Commit
from bot.domain.promotion import Approval, Following, GateResult, Kind, Phase, Plan, Promotion, Stage, Vote, VoteKind
from bot.evaluation.panel import Panel
from bot.policy import Policy, authorize
from bot.ports import Directory, Posted, PullRequest
from bot.promotions.approvers import Approvers
from bot.promotions.committer import Committer, Moved
from bot.promotions.current_policy import CurrentPolicy
from bot.promotions.delegates import Lent
from bot.promotions.earlier_approvals import counting_again
from bot.promotions.eligibility import Eligibility, roles_in, voices_of
from bot.promotions.follow_up import FollowUp, FollowUps
from bot.promotions.follower import Followed, Follower
from bot.promotions.pull_requests import MergeResult, OpenedPull, PullRequestSteps
from bot.promotions.record import Record, entry_of
from bot.promotions.signals import Confirmation, Judgement, Look, Signal, with_vote
from bot.promotions.watcher import Watcher
from bot.runtime import metrics
from bot.store.audit import refusal

log = structlog.get_logger(__name__)

NEVER = timedelta(0)
CONFIRMED_FOR = timedelta(seconds=30)
"""How long it may be ago that gates and approvers were asked: git, or this process, may be away in between."""


class PromotionCards(Protocol):
    async def show(self, promotion: Promotion) -> Posted:
        """Post the card, or edit the one that is there; where it is. Its copies follow it."""
        ...

    async def ask(self, promotion: Promotion, people: Iterable[Caller]) -> None:
        """Send each of them a copy that decides as the card does; once."""
        ...


class PromotionReminders(Protocol):
    """Words that are lost without harm when Slack does not take them: none raises."""

    async def remind(
        self, promotion: Promotion, card: Posted, number: int, people: Sequence[Caller], *, escalate: bool
    ) -> None:
        """Tell approvers, under the card, in its channel and by their copies, that they are waited for.

        Once for each number; in the place of the reminder before it.
        """
        ...

    async def alarm(self, promotion: Promotion, card: Posted | None, sentence: str) -> None:
        """Tell the channel and the administrators what must not have happened, once."""
        ...

    async def refuse(self, channel: str, user: str, sentence: str) -> None:
        """Tell one person why their press did not count."""
        ...


@dataclass(frozen=True)
class Steps:
    record: Record
    cards: PromotionCards
    reminders: PromotionReminders
    directory: Directory
    policy: Policy
    panel: Panel
    eligibility: Eligibility
    approvers: Approvers
    committer: Committer
    follower: Follower
    watcher: Watcher
    follow_ups: FollowUps
    pull_requests: PullRequestSteps
    clock: Callable[[], datetime]
    confirmed_for: timedelta = CONFIRMED_FOR

    @property
    def today(self) -> CurrentPolicy:
        """What policy asks by now: of a promotion that waits, another one may have been loaded since."""
        return CurrentPolicy(self.policy, self.panel)

    async def announce(self, promotion: Promotion) -> None:
        """The first sight of it."""
        event = "break-glass" if promotion.plan.break_glass else "requested"
        entry = entry_of(promotion, event, "announce", reason=promotion.plan.reason)
        await self.record.write(promotion, entry, Event.STARTED)
        await self._show(promotion)

    async def ask_gates(self, promotion: Promotion, round_: int) -> tuple[GateResult, ...]:
        """Every gate at once; the card shows every answer, now or with the step that follows."""
        results = await self.panel.ask(self.today.gates(promotion.plan), self.clock())
        for result in results:
            metrics.VERDICTS.labels(result.gate, result.verdict.state).inc()
        told = [_told(result) for result in results]
        asked = replace(promotion, results=results)
        entry = entry_of(asked, "gates", f"gates#{round_}:{_verdicts(results)}", actor="pilothouse", results=told)
        await self.record.write(asked, entry)
        if asked.blocked:  # else the next step shows it at once, with its buttons: at most one edit a second goes out
            await self._show(asked)
        return results

    async def offer_to_leave_out(self, promotion: Promotion, apps: tuple[str, ...]) -> None:
        """Tell whoever asked for the train that it waits for them; the card says so as well."""
        plan = promotion.plan
        sentence = (
            f"The gates say no to {' and '.join(apps)}, so the train waits. Leave out what is not to wait "
            f"(`/adjust {plan.id} leave out {' '.join(apps)}`, or the boxes of its card), and the rest continues."
        )
        await self.reminders.refuse(plan.channel, plan.requester.id, sentence)

    async def ask_people(self, promotion: Promotion) -> None:
        """The card gets its buttons, and so does a copy for each approver."""
        await self.record.write(promotion)  # first: a press counts as soon as there is something to press
        await self._show(promotion)  # then: the people who are called find the buttons there
        await self.record.write(promotion, None, Event.WAITING)
        await self.cards.ask(promotion, await self.approvers.in_person(promotion))

    async def earlier_approvals(self, promotion: Promotion) -> tuple[Approval, ...]:
        """Approvals of the same images for the same environment, as far as policy lets them count again."""
        rule, plan = promotion.plan.approval, promotion.plan
        todays = [self.policy.rules(app, plan.environment).approval().reuse for app in plan.apps]
        reuse = min([rule.reuse or NEVER, *(reuse or NEVER for reuse in todays)])
        if reuse == NEVER:
            return ()
        past = [await self.record.store.history(app, plan.environment, 20) for app in promotion.apps]
        given = counting_again(promotion, past, self.clock() - reuse)
        again = [await self._as_of_now(promotion, approval) for approval in given]
        return tuple(replace(approval, content_hash=promotion.content_hash) for approval in again if approval)

    async def remind(self, promotion: Promotion, number: int, *, escalate: bool) -> None:
        """Nudge whoever may decide; `escalate` tells the channels that policy names as well."""
        if shown := await self._show(promotion):
            people = await self.approvers.in_person(promotion)
            await self.reminders.remind(promotion, shown, number, people, escalate=escalate)

    async def judge(self, promotion: Promotion, signal: Signal) -> Judgement:
        """Authorise a press where it takes effect: by the account, the groups and the policy of this moment."""
        try:
            caller = await self.directory.caller(signal.user, signal.team)
            lent = await self.eligibility.lent_to(caller, promotion)
            voices = self.eligibility.check(promotion, signal.kind, caller, signal.content_hash, lent.roles)
        except (NotAllowed, Conflict) as refused:
            return await self._refuse(promotion, signal, refused.sentence)
        except DatabaseAway:
            raise
        except IntegrationError as error:
            log.warning("vote refused: the directory does not answer", error=str(error))
            return await self._refuse(
                promotion, signal, "Slack could not confirm who you are just now, so this did not count: press again."
            )
        if signal.kind is VoteKind.APPROVE and (strange := await self.pull_requests.tampered(promotion)):
            return await self._refuse(promotion, signal, strange)
        if signal.kind is VoteKind.APPROVE and any(a.approver.id == caller.id for a in promotion.approvals):
            return Judgement(None)  # a second click of the same person changes nothing
        if signal.kind is VoteKind.APPROVE and (moved := await self._overtaken(promotion)):
            await self._note_refusal(promotion, signal, moved.sentence)  # the service tells whoever has pressed
            return Judgement(None, moved.sentence, moved=moved)
        if signal.kind is VoteKind.ADJUST:
            return await self._adjust(promotion, signal, caller.person)
        said = (signal.content_hash, signal.reason, roles_in(voices), lent.behalf, voices_of(promotion, voices))
        vote = Vote(signal.kind, caller.person, self.clock(), *said)
        judged = with_vote(promotion, vote)
        key = f"vote:{signal.request_id}"
        entry = entry_of(judged, signal.kind, key, actor=caller.id, reason=signal.reason, content=signal.content_hash)
        await self.record.write(judged, entry)
        await self._show(judged)
        return Judgement(vote)

    async def look(self, promotion: Promotion) -> Look:
        return Look(await self._overtaken(promotion))

    async def _overtaken(self, promotion: Promotion) -> Moved | None:
        """Who has changed what the card shows while people are asked. Where git is away the commit looks again."""
        if promotion.stage is not Stage.APPROVAL:
            return None
        try:
            return await self.committer.overtaken(promotion)
        except IntegrationError as error:
            log.warning("not looked whether the overlay has moved", error=str(error))
            return None

    async def confirm(self, promotion: Promotion, round_: int) -> Confirmation:
        """Right before the commit: gates, approvers and the requester's own permission, asked once more."""
        at = self.clock()
        terms = self.today.terms(promotion)
        promotion = replace(promotion, tightened=terms.tightened, pull_request_since=terms.pull_request_since)
        with asked_live():
            results = await self.ask_gates(promotion, round_)
        if promotion.plan.automatic:
            return Confirmation(results, promotion.approvals, at=at, terms=terms)
        try:
            requester = await self.directory.caller(promotion.plan.requester.id)
            for move in promotion.moves:
                target = Target(move.app, promotion.plan.environment)
                for permission in needed(promotion.plan):
                    authorize(self.policy, requester, permission, target)
        except NotAllowed as refused:
            name = promotion.plan.requester.name
            return Confirmation(
                results, promotion.approvals, f"{name} may no longer do this. {refused.sentence}", terms=terms
            )
        approvals = [await self._as_of_now(promotion, approval) for approval in promotion.approvals]
        return Confirmation(results, tuple(approval for approval in approvals if approval), at=at, terms=terms)

    async def commit(self, promotion: Promotion, confirmed: datetime | None) -> Commit | Moved | None:
        """The one effect that all of this is about. None: not made, for what was confirmed is too long ago by now."""
        await self._show(promotion)
        made = await (self.committer.commit(promotion) if self._fresh(confirmed) else self.committer.find(promotion))
        if isinstance(made, Commit):
            await self.committed(promotion, made)
        return made

    async def in_git_already(self, promotion: Promotion) -> Commit | None:
        """After an abort: whether the commit had been made before that. Then it is written down, and nobody aborted."""
        made = await self.committer.find(promotion)
        if made and promotion.rejection:
            await self.committed(replace(promotion, rejection=None), made)
            late = f"{promotion.id} was in git already ({made.short}), so it goes on. Roll back if it must not stay."
            await self.reminders.refuse(promotion.plan.channel, promotion.rejection.by.id, late)
        return made

    async def committed(self, promotion: Promotion, commit: Commit) -> None:
        """Write down that the overlay has changed; a break-glass owes its review from here on."""
        now = replace(promotion, commit=commit, stage=Stage.FOLLOW)
        log.info("committed", sha=commit.sha, approvers=[approval.approver.id for approval in promotion.approvals])
        entry = entry_of(now, "committed", "commit", commit=commit.sha, break_glass=now.plan.break_glass)
        await self.record.write(now, entry, None, partial(self.follow_ups.owe_review, now))
        await self._show(now)

    async def follow(self, promotion: Promotion, deadline: datetime) -> Followed:
        """Watch Argo CD, telling each change on the card."""
        assert promotion.commit is not None

        async def told(following: tuple[Following, ...]) -> None:
            seen = replace(promotion, following=following)
            await self.record.write(seen)
            await self._show(seen)

        return await self.follower.follow(promotion.moves, promotion.commit, deadline, told)

    async def watch(self, promotion: Promotion, deadline: datetime) -> str:
        """Evidence against what was promoted, "" when there is none until the deadline, or until it is replaced."""
        watched = self.policy.rules_together(promotion.apps, promotion.plan.environment).watched
        moves = tuple(move for move in promotion.moves if move.app in watched)
        return await self.watcher.watch(moves, deadline, partial(self.record.store.replaced, promotion))

    async def prepare(self, promotion: Promotion, follow_up: FollowUp) -> list[Plan]:
        """What comes in place of this one: one plan, or none when nothing can."""
        plan = await self.follow_ups.plan(promotion, follow_up)
        return [plan] if plan else []

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
        pull = await self.pull_requests.tend(promotion, number, merge=self._fresh(confirmed))
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

    async def conclude(self, promotion: Promotion, successor: Plan | None) -> None:
        """The last word: record, audit, announcements, lock and successor in one transaction, then the final card."""
        event = _event_of(promotion.phase)
        entry = entry_of(promotion, promotion.phase.lower(), "conclude", actor="pilothouse", outcome=promotion.outcome)
        more = [partial(self.follow_ups.lock, promotion), partial(self.follow_ups.succeed, successor)]
        await self.record.write(promotion, entry, event, *more)
        await self._show(promotion)
        _count(promotion)
        self.follow_ups.begin()  # the successor, or whoever has waited for this one to end

    async def settle(self, promotion: Promotion) -> None:
        """A last word that was not known at the end: told wherever that was told."""
        entry = entry_of(promotion, "settled", "settle", actor="pilothouse", outcome=promotion.outcome)
        await self.record.write(promotion, entry, _event_of(promotion.phase))
        await self._show(promotion)

    def _fresh(self, confirmed: datetime | None) -> bool:
        return confirmed is not None and self.clock() - confirmed < self.confirmed_for

    async def _show(self, promotion: Promotion) -> Posted | None:
        """A card that cannot be shown now must not stop a promotion: the next step shows it again.

        Raises DatabaseAway: where what it should show cannot be noted down, nothing shows it again.
        """
        try:
            return await self.cards.show(promotion)
        except DatabaseAway:
            raise
        except IntegrationError as error:
            log.warning("card not shown", promotion=promotion.id, error=str(error))
            return None

    async def _adjust(self, promotion: Promotion, signal: Signal, by: Person) -> Judgement:
        """Leave apps out of a train, or take them in again; at least one goes."""
        wanted = tuple(app for app in promotion.plan.apps if app in signal.left_out)
        if len(wanted) == len(promotion.plan.apps):
            return await self._refuse(promotion, signal, "At least one app must go: abort it instead.")
        adjusted = replace(promotion, left_out=wanted, approvals=())
        entry = entry_of(adjusted, "adjusted", f"adjust:{signal.request_id}", actor=by.id, left_out=list(wanted))
        try:
            await self.record.write(adjusted, entry, None, partial(self.record.store.claim, promotion=adjusted))
        except PromotionInProgress as other:
            return await self._refuse(promotion, signal, other.sentence)
        await self._show(adjusted)
        return Judgement(None, left_out=wanted)

    async def _refuse(self, promotion: Promotion, signal: Signal, sentence: str) -> Judgement:
        await self._note_refusal(promotion, signal, sentence)
        await self.reminders.refuse(promotion.plan.channel, signal.user, sentence)
        return Judgement(None, sentence)

    async def _note_refusal(self, promotion: Promotion, signal: Signal, sentence: str) -> None:
        plan = promotion.plan
        entry = refusal(
            signal.user,
            signal.kind,
            sentence,
            plan.apps,
            plan.environment,
            promotion_id=plan.id,
            dedupe=f"{plan.id}:refused:{signal.request_id}",
            correlation=plan.correlation_id,
        )
        await self.record.audit.record(entry)

    async def _as_of_now(self, promotion: Promotion, approval: Approval) -> Approval | None:
        """The approval with what the approver may say today; None when that is nothing by now."""
        try:
            caller = await self.directory.caller(approval.approver.id)
        except (UserError, NotFound):
            return None
        others = replace(promotion, approvals=tuple(a for a in promotion.approvals if a is not approval))
        lent = await self.eligibility.lent_to(caller, others) if approval.behalf else Lent()
        voices = self.eligibility.still_speaks(promotion, caller, lent.roles)
        if not voices:
            return None
        return replace(approval, roles=roles_in(voices), voices=voices_of(promotion, voices))


def _event_of(phase: Phase) -> Event:
    return {Phase.SUCCEEDED: Event.DONE, Phase.ABORTED: Event.ABORTED}.get(phase, Event.FAILED)


def _count(promotion: Promotion) -> None:
    """For metrics and the log. A crash right here may count a promotion twice; nothing hangs on it."""
    plan, phase = promotion.plan, promotion.phase
    metrics.PROMOTIONS.labels(plan.kind, plan.environment, phase).inc()
    if promotion.finished_at:
        seconds = (promotion.finished_at - plan.requested_at).total_seconds()
        metrics.PROMOTION_SECONDS.labels(plan.environment, phase).observe(max(0.0, seconds))
    if plan.break_glass:
        metrics.BREAK_GLASS.labels(plan.environment).inc()
    log.info("ended", phase=phase, outcome=promotion.outcome, successor=promotion.successor)


def _verdicts(results: tuple[GateResult, ...]) -> str:
    """Asked again after a crash, gates may answer otherwise, and that answer is the one that counts: another row."""
    verdicts = " ".join(f"{result.gate} {result.app} {result.verdict.state}" for result in results)
    return hashlib.sha256(verdicts.encode()).hexdigest()[:12]


def _told(result: GateResult) -> dict[str, str]:
    """For the audit: what a gate found, and why that did not count where it was skipped."""
    found = {"gate": result.gate, "app": result.app, "verdict": result.verdict.state, "reason": result.verdict.reason}
    return {**found, "skipped": result.waived} if result.waived else found


def needed(plan: Plan) -> tuple[Permission, ...]:
    """What whoever asks for this must hold for every app in it."""
    permission = Permission.ROLLBACK if plan.kind is Kind.ROLLBACK else Permission.PROMOTE
    return (permission, Permission.BREAK_GLASS) if plan.break_glass else (permission,)
