"""Who has decided on a promotion and when, and whether somebody's word came too late to be heard."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from bot.domain.approval import approved
from bot.domain.errors import Conflict
from bot.domain.promotion import Promotion, Stage, VoteKind
from bot.domain.sentence import listed
from bot.promotions.signals import Signal

PATIENCE = 2.0
"""seconds for a story to take a word up; then it is busy, and tells by itself what comes of it"""
WHILE_COMMITTING = 60.0
"""seconds for it to take up an abort while the overlay is being changed, or while git is away"""
PAUSE, LONGEST_PAUSE = 0.1, 0.5
"""seconds between two looks at the record, for what another replica writes there"""

Look = Callable[[], Awaitable[Promotion]]


def is_made(promotion: Promotion) -> bool:
    """Whether the story has stopped listening, for enough people have said yes or nobody had to."""
    if promotion.stage is Stage.APPROVAL:
        return approved(promotion)
    return promotion.stage in (Stage.COMMIT, Stage.FOLLOW)


def refuse_if_made(promotion: Promotion, kind: VoteKind) -> None:
    """Raises Conflict: who decided, and when. What is not in git yet can be taken back."""
    if promotion.phase.final:
        newer = f"{promotion.successor} replaced it: use that card." if promotion.successor else ""
        ended = "" if promotion.rejection else promotion.outcome  # else that person and their reason are named once
        raise Conflict(_sentences("This promotion is over.", ended, _by_whom(promotion), newer))
    # Until it is in git it can be taken back: an older story only where it waits for a pull request.
    uncommitted = promotion.commit is None and promotion.stage is not Stage.FOLLOW
    if kind is VoteKind.ABORT and uncommitted and (promotion.pull_request or promotion.plan.keeps_terms):
        return
    if is_made(promotion):
        changing = "Pilothouse is changing the overlay. Roll back if it must not stay."
        raise Conflict(_sentences("The decision has been made.", _by_whom(promotion), changing))


async def wait_until_heard(signal: Signal, look: Look, written: asyncio.Event) -> None:
    """Raises Conflict when the decision was made while the signal was on its way: the story never judges it then.

    `written` is set when this process writes something down about the promotion; another one is looked after by looking
    again.
    """
    loop, pause = asyncio.get_running_loop(), PAUSE
    began = loop.time()
    while True:
        written.clear()
        now = await look()
        if heard(now, signal):
            return
        refuse_if_made(now, signal.kind)
        committing = signal.kind is VoteKind.ABORT and now.stage is Stage.COMMIT
        if loop.time() - began >= (WHILE_COMMITTING if committing else PATIENCE):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await written.wait()
        pause = min(pause * 2, LONGEST_PAUSE)


def heard(promotion: Promotion, signal: Signal) -> bool:
    """Whether the promotion shows what that person said."""
    if signal.kind is VoteKind.APPROVE:
        mine = [approval for approval in promotion.approvals if approval.approver.id == signal.user]
        return any(approval.content_hash == signal.content_hash for approval in mine)
    if signal.kind is VoteKind.ADJUST:
        return set(promotion.left_out) == set(signal.left_out)
    return promotion.rejection is not None and promotion.rejection.by.id == signal.user


def _by_whom(promotion: Promotion) -> str:
    if promotion.rejection:
        verb = "rejected" if promotion.rejection.kind is VoteKind.REJECT else "aborted"
        why = f": {promotion.rejection.reason}" if promotion.rejection.reason else "."
        return f"{promotion.rejection.by.name} {verb} it at {_clock(promotion.rejection.at)}{why}"
    if not promotion.approvals:
        return ""
    names = listed([approval.approver.name for approval in promotion.approvals])
    return f"{names} approved it at {_clock(max(approval.at for approval in promotion.approvals))}."


def _sentences(*parts: str) -> str:
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"
