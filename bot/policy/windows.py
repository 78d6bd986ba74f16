"""Times of the week and year at which an environment may, or may not, change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.policy.duration import Duration
from bot.policy.recurrence import ANCHOR, Cron, RecurrenceRule, Starts

LOOK_AHEAD = timedelta(days=400)
"""How far ahead an opening is looked for."""
MOST_STEPS = 450
"""windows that follow on each other, after which no opening is looked for any further"""
LONGEST = timedelta(days=366)


def zone(name: str) -> ZoneInfo:
    """Raises ValueError, with an example, for a name that is not in the time zone database."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone: expected a name such as Europe/Berlin") from error


def _known(name: str) -> str:
    zone(name)
    return name


Timezone = Annotated[str, AfterValidator(_known)]
"""The name of a time zone, which is in the database."""


class Window(BaseModel):
    """A time that comes again and again: it starts when `cron` or `rrule` says, in `timezone`, and lasts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["allow", "deny"] = Field("deny", description="Whether changes are allowed or denied while it lasts.")
    cron: str | None = Field(None, description="When it starts: minute, hour, day of month, month, day of week.")
    rrule: str | None = Field(None, description="When it starts, as an RRULE of RFC 5545, daily or rarer.")
    duration: Duration = Field(description="How long it lasts.")
    timezone: Timezone = Field("UTC", description="Time zone of the start.")
    reason: str = Field("", description="Why, in the words that people read.")

    @model_validator(mode="after")
    def _can_start(self) -> Self:
        if (self.cron is None) == (self.rrule is None):
            raise ValueError("a window starts by either cron or rrule: give one of them")
        if self.duration <= timedelta():
            raise ValueError("a window must last: give a duration such as 8h")
        if self.duration > LONGEST:
            raise ValueError("a window lasts at most 366 days: give a shorter duration")
        line = self.cron if self.cron is not None else self.rrule
        try:
            first = self._starts.after(ANCHOR.replace(tzinfo=UTC) - LONGEST)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{line!r} cannot be read: {error}") from error
        if first is None:
            raise ValueError(f"{line!r} is a mistake: no such day ever comes, so it never starts")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.timezone)

    def end(self, at: datetime) -> datetime | None:
        """When the occurrence that lasts at this moment ends (UTC); None when none does."""
        start = self._starts.last(at, self.duration)
        end = start + self.duration if start else None
        return end if end and end > at else None

    def next_start(self, at: datetime) -> datetime | None:
        """The first start after this moment (UTC)."""
        return self._starts.after(at)

    def over(self, at: datetime) -> bool:
        """Whether it neither lasts at this moment nor ever comes again."""
        return self.end(at) is None and self.next_start(at) is None

    @cached_property
    def _starts(self) -> Starts:
        if self.cron is not None:
            return Cron(self.cron, self.zone)
        return RecurrenceRule(str(self.rrule), self.zone)


def closed_by(windows: Sequence[Window], at: datetime) -> tuple[Window | None, bool]:
    """The window that denies at this moment, if one does; and whether changes are closed.

    Deny beats allow. Without any allow window, what is not denied is open.
    """
    denying = next((window for window in windows if window.kind == "deny" and window.end(at)), None)
    if denying:
        return denying, True
    allowing = [window for window in windows if window.kind == "allow"]
    return None, bool(allowing) and not any(window.end(at) for window in allowing)


def next_opening(windows: Sequence[Window], at: datetime) -> datetime | None:
    """The first moment from `at` on that is open (UTC); None when none is found within `LOOK_AHEAD`."""
    moment: datetime | None = at.astimezone(UTC)
    allowing = [window for window in windows if window.kind == "allow"]
    starts: dict[int, datetime | None] = {}
    for _ in range(MOST_STEPS):
        if moment is None or moment > at + LOOK_AHEAD:
            break
        denying, closed = closed_by(windows, moment)
        if not closed:
            return moment
        if denying:
            moment = denying.end(moment)
        else:
            for index, window in enumerate(allowing):
                known = starts.get(index, moment)
                starts[index] = window.next_start(moment) if known and known <= moment else known  # looked for once
            moment = min((start for start in starts.values() if start), default=None)
    return None
