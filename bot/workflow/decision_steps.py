"""The steps of the decision: gates and people are asked, and asked once more right before the commit."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.deliveries.application_record import asked_live
from bot.domain.authorship import same_person
from bot.domain.caller import Permission, Person, Target
from bot.domain.errors import (
    Conflict,
    DatabaseAway,
    IntegrationError,
    NotAllowed,
    NotFound,
    PromotionInProgress,
    UserError,
)
from bot.domain.event import Event
from bot.domain.promotion import Approval, GateResult, Kind, Plan, Promotion, Stage, Vote, VoteKind
from bot.policy import authorize
from bot.promotions.committer import Moved
from bot.promotions.decisions import heard
from bot.promotions.delegates import Lent
from bot.promotions.earlier_approvals import counting_again
from bot.promotions.eligibility import roles_in, voices_of
from bot.promotions.record import entry_of
from bot.promotions.signals import Confirmation, Judgement, Look, Signal, with_vote
from bot.runtime import metrics
from bot.runtime.beside import asked_beside
from bot.store.audit import refusal
from bot.workflow.step_parts import StepParts

log = structlog.get_logger(__name__)

NEVER = timedelta(0)


class DecisionSteps(StepParts):
    """What gates and people say, as it is written down and shown."""

    async def ask_gates(self, promotion: Promotion, round_: int) -> tuple[GateResult, ...]:
        """Every gate at once; the card shows every answer, now or with the step that follows."""
        results = await self.evaluator.ask(self.today.gates(promotion.plan), self.clock())
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
        """Tell the requester that the train waits for them; the card says so as well."""
        plan = promotion.plan
        sentence = (
            f"The gates say no to {' and '.join(apps)}, so the train waits. Leave those apps out "
            f"(`/adjust {plan.id} leave out {' '.join(apps)}`, or the boxes of its card), and the rest continues."
        )
        await self.reminders.refuse(plan.channel, plan.requester.id, sentence)

    async def ask_people(self, promotion: Promotion) -> None:
        """The card gets its buttons, and so does a copy for each approver."""
        await self.record.write(promotion)  # first: a press counts as soon as there is something to press
        async with asked_beside(self.approvers.in_person(promotion)) as people:
            await self._show(promotion)  # then: the people who are called find the buttons there
            await self.record.write(promotion, None, Event.WAITING)
            await self.cards.ask(promotion, await people)

    async def earlier_approvals(self, promotion: Promotion) -> tuple[Approval, ...]:
        """Approvals of the same images for the same environment, as far as policy lets them count again."""
        rule, plan = promotion.plan.approval, promotion.plan
        todays = [self.policy.rules(app, plan.environment).approval().reuse for app in plan.apps]
        reuse = min([rule.reuse or NEVER, *(reuse or NEVER for reuse in todays)])
        if reuse == NEVER:
            return ()
        past = [await self.record.store.history(app, plan.environment, 20) for app in promotion.apps]
        given = counting_again(promotion, past, self.clock() - reuse)
        again = await self._as_of_now(promotion, given)
        return tuple(replace(approval, content_hash=promotion.content_hash) for approval in again)

    async def remind(self, promotion: Promotion, number: int, *, escalate: bool) -> None:
        """Remind the approvers; `escalate` posts to the channels that policy names as well."""
        if shown := await self._show(promotion):
            people = await self.approvers.in_person(promotion)
            await self.reminders.remind(promotion, shown, number, people, escalate=escalate)

    async def judge(self, promotion: Promotion, signal: Signal) -> Judgement:
        """Authorise a press where it takes effect: by the account, the groups and the policy of this moment."""
        try:
            caller = await self.directory.caller(signal.user, signal.team)
            lent = await self.eligibility.lent_to(caller, promotion)
            voices = self.eligibility.check(promotion, signal.kind, caller, signal.content_hash, lent.roles)
            if signal.kind is VoteKind.ADJUST:
                self.eligibility.check_adjusted(promotion, caller, signal.left_out)
        except (NotAllowed, Conflict) as refused:
            return await self._refuse(promotion, signal, refused.sentence)
        except DatabaseAway:
            raise
        except IntegrationError as error:
            log.warning("approval.directory_unavailable", error=str(error))
            return await self._refuse(
                promotion, signal, "Slack could not confirm who you are just now, so this did not count: press again."
            )
        if signal.kind is VoteKind.APPROVE and (strange := await self.pull_requests.tampered(promotion)):
            return await self._refuse(promotion, signal, strange)
        if heard(promotion, signal) and signal.kind is VoteKind.APPROVE:
            return Judgement(None)  # a second click of the same person changes nothing
        if signal.kind is VoteKind.APPROVE and (moved := await self._overtaken(promotion)):
            await self._note_refusal(promotion, signal, moved.sentence)  # the service tells the person who pressed
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
            log.warning("overlay.look_failed", error=str(error))
            return None

    async def confirm(self, promotion: Promotion, round_: int) -> Confirmation:
        """Right before the commit: gates, approvers and the requester's own permission, asked once more."""
        at = self.clock()
        terms = self.today.terms(promotion)
        promotion = replace(promotion, tightened=terms.tightened, pull_request_since=terms.pull_request_since)
        if gone := self._is_gone(promotion.plan.environment):
            return Confirmation(promotion.results, promotion.approvals, gone, terms=terms)
        if promotion.plan.automatic:
            with asked_live():
                results = await self.ask_gates(promotion, round_)
            return Confirmation(results, promotion.approvals, at=at, terms=terms)
        async with asked_beside(self._standing(promotion)) as standing:
            with asked_live():
                results = await self.ask_gates(promotion, round_)
            refusal, approvals = await standing
        if refusal:
            return Confirmation(results, promotion.approvals, refusal, terms=terms)
        return Confirmation(results, approvals, at=at, terms=terms)

    def _is_gone(self, environment: str) -> str:
        """Why nothing is written there, where policy no longer has the environment; "" where it has."""
        if any(each.name == environment for each in self.policy.environments):
            return ""
        return f"The policy no longer has an environment {environment}."

    async def _standing(self, promotion: Promotion) -> tuple[str, tuple[Approval, ...]]:
        """Why the requester may no longer do this, "" if they may, and the approvals that count today; all people at
        once.
        """
        requester, approvals = await asyncio.gather(
            self.directory.caller(promotion.plan.requester.id),
            self._as_of_now(promotion, promotion.approvals),
        )
        try:
            for move in promotion.moves:
                target = Target(move.app, promotion.plan.environment)
                for permission in needed(promotion.plan):
                    authorize(self.policy, requester, permission, target)
        except NotAllowed as refused:
            return f"{promotion.plan.requester.name} may no longer do this. {refused.sentence}", ()
        return "", approvals

    async def _adjust(self, promotion: Promotion, signal: Signal, by: Person) -> Judgement:
        """Leave apps out of a train, or take them in again; at least one goes."""
        wanted = tuple(app for app in promotion.plan.apps if app in signal.left_out)
        if all(move.app in wanted for move in promotion.plan.moves):
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
            request=signal.request_id,
            promotion_id=plan.id,
            correlation=plan.correlation_id,
        )
        await self.record.audit.record(entry)

    async def _as_of_now(self, promotion: Promotion, approvals: Sequence[Approval]) -> tuple[Approval, ...]:
        """Those that count, with what their givers may say today, and one a person: by the addresses and the policy of
        today, too, whatever was known of two accounts when each of them said yes.
        """
        found = await asyncio.gather(*(self._today(promotion, approval) for approval in approvals))
        kept: dict[Person, Approval] = {}
        for person, approval in filter(None, found):
            if not any(same_person(person, other, self.policy.people) for other in kept):
                kept[person] = approval
        return tuple(kept.values())

    async def _today(self, promotion: Promotion, approval: Approval) -> tuple[Person, Approval] | None:
        """Who gave it, and what it says today; None when that is nothing by now."""
        try:
            caller = await self.directory.caller(approval.approver.id)
        except (UserError, NotFound):
            return None
        others = replace(promotion, approvals=tuple(a for a in promotion.approvals if a is not approval))
        lent = await self.eligibility.lent_to(caller, others) if approval.behalf else Lent()
        voices = self.eligibility.still_speaks(promotion, caller, lent.roles)
        if not voices:
            return None
        today = replace(approval, roles=roles_in(voices), voices=voices_of(promotion, voices))
        return caller.person, today


def _verdicts(results: tuple[GateResult, ...]) -> str:
    """Asked again after a crash, gates may answer otherwise, and that answer is the one that counts: another row."""
    verdicts = " ".join(f"{result.gate} {result.app} {result.verdict.state}" for result in results)
    return hashlib.sha256(verdicts.encode()).hexdigest()[:12]


def _told(result: GateResult) -> dict[str, str]:
    """For the audit: what a gate found, and why that did not count where it was skipped."""
    found = {"gate": result.gate, "app": result.app, "verdict": result.verdict.state, "reason": result.verdict.reason}
    return {**found, "skipped": result.waived} if result.waived else found


def needed(plan: Plan) -> tuple[Permission, ...]:
    """What the requester must hold for every app in it."""
    permission = Permission.ROLLBACK if plan.kind is Kind.ROLLBACK else Permission.PROMOTE
    return (permission, Permission.BREAK_GLASS) if plan.break_glass else (permission,)
