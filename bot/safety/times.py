"""The times that people type, on their own wall clock."""

from datetime import UTC, datetime

from bot.domain.caller import Caller
from bot.grammar import moments
from bot.policy import Policy
from bot.policy.windows import zone


def read_time(text: str, caller: Caller, policy: Policy) -> datetime:
    """In the zone of the caller's profile, else in the policy's. Raises InvalidCommand with examples."""
    try:
        own = zone(caller.timezone or policy.timezone)
    except ValueError:  # a client may know zones that the database here does not
        own = zone(policy.timezone)
    return moments.moment(text, datetime.now(UTC), own)


def read_time_if_any(text: str, caller: Caller, policy: Policy) -> datetime | None:
    return read_time(text, caller, policy) if text else None
