"""The times that people type, on their own wall clock."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.caller import Caller
from bot.domain.errors import InvalidCommand
from bot.domain.intent import Context, Wish
from bot.grammar import moments
from bot.policy import Policy
from bot.policy.windows import zone
from bot.ports import Clock

W = TypeVar("W", bound=Wish)


class TimeReader:
    """Reads in the zone of the caller's profile, else in the policy's. Raises InvalidCommand with examples."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock

    def read(self, text: str, caller: Caller, age: float = 0.0) -> datetime:
        """`age`: seconds since it was said, for "tomorrow" means the day after that."""
        try:
            own = zone(caller.timezone or self._policy.timezone)
        except ValueError:  # a client may know zones that the database here does not
            own = zone(self._policy.timezone)
        return moments.moment(text, self._clock.now() - timedelta(seconds=age), own)

    def end(self, text: str, caller: Caller, context: Context) -> datetime:
        """Until when it is to last, as it was meant when it was said. Raises InvalidCommand where that is over."""
        found = self.read(text, caller, context.age)
        if found <= self._clock.now():
            raise InvalidCommand(
                f"`{text[:60]}` has passed since you asked, so nothing was done. Ask again if you still need it."
            )
        return found

    def end_if_any(self, text: str, caller: Caller, context: Context) -> datetime | None:
        return self.end(text, caller, context) if text else None

    def timed(self, wish: W, caller: Caller) -> W:
        """The wish with the moment that its words mean."""
        return replace(wish, start_at=self.read(wish.at, caller, wish.context.age)) if wish.at else wish
