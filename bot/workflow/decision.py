"""The first chapter: gates and people say yes, and both once more right before the commit."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.domain.approval import approved, counted, missing
from bot.domain.promotion import Approval, ApprovalRule, GateResult, Phase, Stage, VerdictState
from bot.domain.reminder import Reminder, reminders_of
from bot.promotions.signals import Confirmation
from bot.workflow.chapter import Chapter
from bot.workflow.retries import Ended
from bot.workflow.sentences import announced_wait, pause, reasons, what_changed


class DecisionChapter(Chapter):
    """Until gates and people agree on exactly what would be done."""

    async def _be_decided(self) -> None:
        """Gates, people, and both once more right before the commit, until nothing has changed in between."""
        while True:
            await self._pass_gates()
            await self._be_approved()
            if await self._confirmed():
                return

    async def _pass_gates(self) -> None:
        """Ask until every gate holds, for as long as policy said when it was planned. Blocked ends it at once, but for
        a release train that can go without the apps that are blocked.
        """
        self._now = replace(self._now, stage=Stage.GATES)
        deadline = await self._journal.now(f"gates-begin#{self._gate_rounds + 1}") + self._gate_timeout
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
        if not self._approved():
            self._take_back_what_no_longer_counts()
            await self._ask_people()
        self._decided_on = self._now

    async def _ask_people(self) -> None:
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

    def _take_back_what_no_longer_counts(self) -> None:
        """Gates that were waited for since people said yes may have found something else: their yes is for that no
        longer, and nobody is credited with it.
        """
        before, valid = self._decided_on, self._valid_approvals()
        if before and {a.approver.id for a in before.approvals} != {a.approver.id for a in valid}:
            now = Confirmation(self._now.results, self._now.approvals, terms=self._terms)
            self._void(what_changed(before, now))

    def _void(self, why: str) -> None:
        self._now = replace(self._now, approvals=self._valid_approvals(), voided=why)
        self._decided_on = None
