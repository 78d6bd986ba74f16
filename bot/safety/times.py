"""The times that people type, on their own wall clock."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from bot.domain.caller import Caller
from bot.domain.intent import Wish
from bot.grammar import moments
from bot.policy import Policy
from bot.policy.windows import zone

W = TypeVar("W", bound=Wish)


def read_time(text: str, caller: Caller, policy: Policy) -> datetime:
    """In the zone of the caller's profile, else in the policy's. Raises InvalidCommand with examples."""
    try:
        own = zone(caller.timezone or policy.timezone)
    except ValueError:  # a client may know zones that the database here does not
        own = zone(policy.timezone)
    return moments.moment(text, datetime.now(UTC), own)


def read_time_if_any(text: str, caller: Caller, policy: Policy) -> datetime | None:
    return read_time(text, caller, policy) if text else None


def timed(wish: W, caller: Caller, policy: Policy) -> W:
    """The wish with the moment that its words mean. Raises InvalidCommand with examples."""
    return replace(wish, start_at=read_time(wish.at, caller, policy)) if wish.at else wish
