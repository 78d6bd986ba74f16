"""Times of the week and year at which an environment may, or may not, change."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from dateutil import rrule as recurrence
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.policy.duration import Duration

ANCHOR = datetime(2024, 1, 1)
"""A Monday from which RRULEs are counted, on the wall clock: "every second week" is the same week in every year."""
A_DAY = timedelta(days=1)
LOOK_AHEAD = timedelta(days=400)
"""How far ahead an opening is looked for."""


def zone(name: str) -> ZoneInfo:
    """Raises ValueError, with an example, for a name that is not in the time zone database."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone: expected a name such as Europe/Berlin") from error


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
    timezone: Timezone = Field("UTC", description="Name of the time zone that the start is meant in.")
    reason: str = Field("", description="Why, in the words that people are told.")

    @model_validator(mode="after")
    def _can_start(self) -> Self:
        if (self.cron is None) == (self.rrule is None):
            raise ValueError("a window starts by either cron or rrule: give one of them")
        if self.duration <= timedelta():
            raise ValueError("a window must last: give a duration such as 8h")
        if self.cron is not None and len(self.cron.split()) != 5:
            raise ValueError(
                f"{self.cron!r} cannot be read: expected minute, hour, day of month, month and day of week, "
                "as in `0 17 * * FRI`"
            )
        try:
            _ = self.next_start(datetime.now(UTC))
        except (CronSimError, ValueError) as error:
            raise ValueError(f"{self.cron or self.rrule!r} cannot be read: {error}") from error
        return self

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.timezone)

    def end(self, at: datetime) -> datetime | None:
        """When the occurrence that lasts at this moment ends (UTC); None when none does."""
        start = self._last_start(at)
        end = start + self.duration if start else None
        return end if end and end > at else None

    def next_start(self, at: datetime) -> datetime | None:
        """The first start after this moment (UTC)."""
        if self.cron is not None:
            found = next(self._cron(at), None)
        else:
            found = next(start for start in self._rule_starts(at - A_DAY) if start is None or start > at)
        return found.astimezone(UTC) if found else None

    def _last_start(self, at: datetime) -> datetime | None:
        if self.cron is None:
            found = self._last_of_rule(at)
        else:
            # Backwards, CronSim leaves the moment itself out: begin a little later.
            backwards = self._cron(at + timedelta(minutes=1), reverse=True)
            found = next((start for start in backwards if start <= at), None)
        return found.astimezone(UTC) if found else None

    def _last_of_rule(self, at: datetime) -> datetime | None:
        """On the wall clock an hour may come twice, or not at all: what counts is when a start is."""
        rule = self._rule()
        wall: datetime | None = self._wall(at + A_DAY)
        while wall and (wall := rule.before(wall)):
            start = self._from_wall(wall)
            if start and start <= at:
                return start
        return None

    def _rule_starts(self, at: datetime) -> Iterator[datetime | None]:
        yield from map(self._from_wall, self._rule().xafter(self._wall(at)))
        yield None

    def _cron(self, at: datetime, *, reverse: bool = False) -> Iterator[datetime]:
        assert self.cron is not None
        return CronSim(self.cron, at.astimezone(self.zone), reverse=reverse)

    def _rule(self) -> recurrence.rrule:
        found = recurrence.rrulestr(str(self.rrule), dtstart=ANCHOR)
        if not isinstance(found, recurrence.rrule) or found._freq > recurrence.DAILY:  # type: ignore[attr-defined]
            raise ValueError("expected one RRULE that comes daily or more rarely")
        return found

    def _wall(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=None)

    def _from_wall(self, wall: datetime | None) -> datetime | None:
        return wall.replace(tzinfo=self.zone) if wall else None


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
    """The first moment from `at` on that is open (UTC); None when there is none within `LOOK_AHEAD`."""
    moment: datetime | None = at.astimezone(UTC)
    while moment and moment <= at + LOOK_AHEAD:
        denying, closed = closed_by(windows, moment)
        if not closed:
            return moment
        if denying:
            moment = denying.end(moment)
        else:
            starts = [w.next_start(moment) for w in windows if w.kind == "allow"]
            moment = min((start for start in starts if start), default=None)
    return None
