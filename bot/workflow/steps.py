"""The steps of a promotion's story: each has one effect, may run twice, and leaves the record and the card telling it.

A step that finds its effect already there (after a crash) reports it instead of repeating it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Permission, Target
from bot.domain.errors import Conflict, IntegrationError, NotAllowed, UserError
from bot.domain.event import Event
from bot.domain.overlay import Commit
from bot.domain.promotion import Approval, Following, GateResult, Phase, Promotion, Stage, Vote, VoteKind
from bot.gates.panel import Panel
from bot.policy import Policy, authorize
from bot.ports import Directory, Messenger, Rendered
from bot.store.audit import Audit, Entry
from bot.store.database import Database
from bot.store.promotions import PromotionStore
from bot.workflow.committer import Committer, Moved
from bot.workflow.eligibility import Eligibility
from bot.workflow.follower import Followed, Follower

log = structlog.get_logger(__name__)


class Cards(Protocol):
    async def show(self, promotion: Promotion) -> Any:
        """Post the card, or edit the one that is there."""
        ...


class Announcements(Protocol):
    async def put(self, connection: AsyncConnection, promotion: Promotion, event: Event) -> None:
        """Tell whoever is to hear of it, once, after the caller's transaction is there."""
        ...


@dataclass(frozen=True)
class Signal:
    """A press of a button (or its keyboard twin), as it is sent to the story."""

    kind: VoteKind
    user: str
    team: str
    content_hash: str
    request_id: str
    reason: str = ""


@dataclass(frozen=True)
class Judgement:
    """What came of a signal: a vote that counts, or why it does not."""

    vote: Vote | None
    refusal: str = ""


@dataclass(frozen=True)
class Confirmation:
    """Whether everything that was true when people decided still is."""

    results: tuple[GateResult, ...]
    approvals: tuple[Approval, ...]
    refusal: str = ""


@dataclass(frozen=True)
class Record:
    """Where a promotion is written down: row, audit chain and outbox in one transaction."""

    database: Database
    store: PromotionStore
    audit: Audit
    announcements: Announcements

    async def write(self, promotion: Promotion, entry: Entry | None = None, event: Event | None = None) -> None:
        async with self.database.begin() as connection:
            await self.store.save(connection, promotion)
            if entry:
                await self.audit.append(connection, entry)
            if event:
                await self.announcements.put(connection, promotion, event)


@dataclass(frozen=True)
class Steps:
    record: Record
    cards: Cards
    messenger: Messenger
    directory: Directory
    policy: Policy
    panel: Panel
    eligibility: Eligibility
    committer: Committer
    follower: Follower

    async def announce(self, promotion: Promotion) -> None:
        """The first sight of it."""
        await self.record.write(promotion, _entry(promotion, "requested", "announce"), Event.STARTED)
        await self._show(promotion)

    async def ask_gates(self, promotion: Promotion, round_: int) -> tuple[GateResult, ...]:
        """Every gate at once; the card shows every answer."""
        results = await self.panel.ask(promotion.plan, datetime.now(UTC))
        told = [{"gate": r.gate, "app": r.app, "verdict": r.verdict.state, "reason": r.verdict.reason} for r in results]
        asked = replace(promotion, results=results)
        entry = _entry(asked, "gates", f"gates#{round_}", actor="pilothouse", results=told)
        await self.record.write(asked, entry)
        await self._show(asked)
        return results

    async def ask_people(self, promotion: Promotion) -> None:
        """The card gets its buttons."""
        await self.record.write(promotion, event=Event.WAITING)
        await self._show(promotion)

    async def judge(self, promotion: Promotion, signal: Signal) -> Judgement:
        """Authorise a press where it takes effect: by the account, the groups and the policy of this moment."""
        try:
            caller = await self.directory.caller(signal.user, signal.team)
            roles = self.eligibility.check(promotion, signal.kind, caller, signal.content_hash)
        except (NotAllowed, Conflict) as refused:
            return await self._refuse(promotion, signal, refused.sentence)
        except IntegrationError as error:
            log.warning("vote refused: the directory does not answer", error=str(error))
            return await self._refuse(
                promotion, signal, "Slack could not confirm who you are just now, so this did not count: press again."
            )
        if signal.kind is VoteKind.APPROVE and any(a.approver.id == caller.id for a in promotion.approvals):
            return Judgement(None)  # a second click of the same person changes nothing
        vote = Vote(signal.kind, caller.person, datetime.now(UTC), signal.content_hash, signal.reason, roles)
        judged = with_vote(promotion, vote)
        key = f"vote:{signal.request_id}"
        entry = _entry(judged, signal.kind, key, actor=caller.id, reason=signal.reason, content=signal.content_hash)
        await self.record.write(judged, entry)
        await self._show(judged)
        return Judgement(vote)

    async def confirm(self, promotion: Promotion, round_: int) -> Confirmation:
        """Right before the commit: gates, approvers and the requester's own permission, asked once more."""
        results = await self.ask_gates(promotion, round_)
        try:
            requester = await self.directory.caller(promotion.plan.requester.id)
            for app in promotion.plan.apps:
                permission = Permission.ROLLBACK if promotion.plan.kind == "rollback" else Permission.PROMOTE
                authorize(self.policy, requester, permission, Target(app, promotion.plan.environment))
        except NotAllowed as refused:
            name = promotion.plan.requester.name
            return Confirmation(results, promotion.approvals, f"{name} may not do this any more. {refused.sentence}")
        approvals = tuple([a for a in promotion.approvals if await self._still_counts(promotion, a)])
        return Confirmation(results, approvals)

    async def commit(self, promotion: Promotion) -> Commit | Moved:
        """The one effect that all of this is about."""
        await self._show(promotion)
        made = await self.committer.commit(promotion)
        if isinstance(made, Commit):
            committed = replace(promotion, commit=made, stage=Stage.FOLLOW)
            entry = _entry(committed, "committed", "commit", commit=made.sha)
            await self.record.write(committed, entry)
            await self._show(committed)
        return made

    async def follow(self, promotion: Promotion, deadline: datetime) -> Followed:
        """Watch Argo CD, telling each change on the card."""
        assert promotion.commit is not None

        async def told(following: tuple[Following, ...]) -> None:
            seen = replace(promotion, following=following)
            await self.record.write(seen)
            await self._show(seen)

        return await self.follower.follow(promotion.plan, promotion.commit, deadline, told)

    async def conclude(self, promotion: Promotion) -> None:
        """The last word: record, audit and announcements in one transaction, then the final card."""
        event = {
            Phase.SUCCEEDED: Event.DONE,
            Phase.ABORTED: Event.ABORTED,
        }.get(promotion.phase, Event.FAILED)
        entry = _entry(promotion, promotion.phase.lower(), "conclude", actor="pilothouse", outcome=promotion.outcome)
        await self.record.write(promotion, entry, event)
        await self._show(promotion)

    async def _show(self, promotion: Promotion) -> None:
        """A card that cannot be shown now must not stop a promotion: the next step shows it again."""
        try:
            await self.cards.show(promotion)
        except IntegrationError as error:
            log.warning("card not shown", promotion=promotion.id, error=str(error))

    async def _refuse(self, promotion: Promotion, signal: Signal, sentence: str) -> Judgement:
        key = f"refused:{signal.request_id}"
        entry = _entry(promotion, "refused", key, actor=signal.user, asked=signal.kind, reason=sentence)
        await self.record.audit.record(entry)
        try:
            await self.messenger.whisper(promotion.plan.channel, signal.user, Rendered(sentence))
        except IntegrationError as error:
            log.warning("refusal not told", user=signal.user, error=str(error))
        return Judgement(None, sentence)

    async def _still_counts(self, promotion: Promotion, approval: Approval) -> bool:
        try:
            caller = await self.directory.caller(approval.approver.id)
        except UserError:
            return False
        return self.eligibility.still_counts(promotion, approval, caller)


def with_vote(promotion: Promotion, vote: Vote) -> Promotion:
    """The promotion after a vote that counts."""
    if vote.kind is VoteKind.APPROVE:
        approval = Approval(vote.by, vote.content_hash, vote.at, vote.roles)
        return replace(promotion, approvals=(*promotion.approvals, approval))
    return replace(promotion, rejection=vote)


def _entry(promotion: Promotion, event: str, step: str, *, actor: str = "", **detail: Any) -> Entry:
    plan = promotion.plan
    moves = [f"{m.app}: {m.before.label} -> {m.after.label} ({m.after.digest})" for m in plan.moves]
    return Entry(
        event=event,
        actor=actor or plan.requester.id,
        app=plan.app,
        environment=plan.environment,
        promotion_id=plan.id,
        detail={"moves": moves, "kind": plan.kind, "correlation": plan.correlation_id, **detail},
        dedupe=f"{plan.id}:{step}",
    )
