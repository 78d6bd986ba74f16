"""When approvers are reminded, and when the question is escalated. Pure."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.promotion import ApprovalRule

MOST, DOUBLINGS = 50, 12


@dataclass(frozen=True)
class Reminder:
    """One reminder; `escalate` when it goes to the escalation channels as well."""

    at: datetime
    escalate: bool = False


def reminders_of(rule: ApprovalRule, opened: datetime, expires: datetime, *, backing_off: bool) -> tuple[Reminder, ...]:
    """Every reminder of one question, in order, none at or after its expiry.

    `backing_off`: each waits twice as long as the one before it.
    """
    found = []
    if rule.remind and backing_off:
        found = [Reminder(opened + rule.remind * (2**number - 1)) for number in range(1, DOUBLINGS)]
    elif rule.remind:
        found = [Reminder(opened + rule.remind * number) for number in range(1, MOST)]
    if rule.escalate_after and rule.escalate_to:
        found.append(Reminder(opened + rule.escalate_after, escalate=True))
    return tuple(sorted((nag for nag in found if nag.at < expires), key=lambda nag: nag.at))
