"""Lock: does somebody hold this app there?"""

from datetime import UTC
from typing import ClassVar, Self

from pydantic import Field

from bot.domain.duration import lasting
from bot.domain.promotion import Kind, Verdict
from bot.domain.safety import Lock
from bot.evaluation.question import Options, Question
from bot.evaluation.verdicts import worst
from bot.evaluation.wording import clock
from bot.ports import Locks


class LockOptions(Options):
    owner_passes: bool = Field(False, description="Whether its owner's own promotions pass a lock.")

    def ask_no_more_than(self, before: Self) -> bool:
        return self.owner_passes >= before.owner_passes


class LockGate:
    """Is the app, or the whole environment, free of locks?

    A lock stops everybody until it is released or expires. The lock that a rollback leaves behind stops promotions, but
    not another rollback.
    """

    name: ClassVar[str] = "lock"
    options: ClassVar[type[Options]] = LockOptions

    def __init__(self, locks: Locks) -> None:
        self._locks = locks

    async def ask(self, question: Question) -> Verdict:
        """Each lock on its own: what passes the one of the app need not pass the one of the whole environment."""
        locks = await self._locks.holding(question.app, question.environment)
        owner_passes = LockOptions.model_validate(question.options).owner_passes
        verdicts = [_verdict(lock, question, owner_passes=owner_passes) for lock in locks]
        return worst(verdicts) if verdicts else Verdict.passed("Not locked")


def _verdict(lock: Lock, question: Question, *, owner_passes: bool) -> Verdict:
    if lock.automatic and question.plan.kind is Kind.ROLLBACK:
        return Verdict.passed("Locked by a rollback, which another rollback may follow")
    if owner_passes and lock.owner.id and lock.owner.id == question.plan.requester.id:
        return Verdict.passed("Locked by the requester")
    return Verdict.blocked(_told(lock, question), _remedy(lock))


def _told(lock: Lock, question: Question) -> str:
    what = f"{lock.app} in {lock.environment}" if lock.app else f"All of {lock.environment}"
    why = f": {lock.reason}" if lock.reason else ""
    until = f", until {clock(lock.expires_at, UTC)}" if lock.expires_at else ""
    since = f"for {lasting(question.now - lock.since)}, since {clock(lock.since, UTC)}{until}"
    return f"{what} is locked by {lock.owner.name} {since}{why}."


def _remedy(lock: Lock) -> str:
    place = " ".join(word for word in (lock.app, lock.environment) if word)
    if lock.automatic:
        return f"When the cause is fixed, release it: `/unlock {place}`."
    return f"Ask {lock.owner.name} to release it, or release it yourself: `/unlock {place}`."
