"""When something that comes again and again starts: cron lines and RRULEs on the wall clock, as moments in time.

Read on a plain wall clock, and only then put into the zone: of an hour that comes twice it is the first, and in an hour
that is left out it is as long after midnight as it says. Only a cron line with `*` for the hour or the minute starts in
both of two equal hours. Every search is bounded.
"""

import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from math import prod
from typing import Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil import rrule as recurrence

from bot.policy.calendar_lines import EXAMPLE, check_rule, instead_of_cron

ANCHOR = datetime(2024, 1, 1)
"""A Monday from which RRULEs are counted, on the wall clock: "every second week" is the same week in every year."""
SHIFT = timedelta(hours=3)
"""More than clocks are set by: starts that are farther apart come in the order of the wall."""
HORIZON = timedelta(days=366 * 9)
"""How far ahead a start is looked for: from one 29 February to the next it may be eight years."""
MOST_A_DAY = 24
"""starts of an RRULE"""
MOST_OF_CRON = 48
"""starts of a cron line in a day"""
MOST_COUNTED = 1000
"""starts of an RRULE with COUNT, which are counted out when the file is read"""
MOST_COUNTED_DAYS = timedelta(days=365 * 40)
PERIODS = {recurrence.YEARLY: 365, recurrence.MONTHLY: 28, recurrence.WEEKLY: 7, recurrence.DAILY: 1}
"""days of a period, of the shortest"""
_DTSTART = re.compile(r"DTSTART(?P<options>;[^:\s]*)?:(?P<at>\d{8}(?:T\d{6})?)(?P<utc>Z?)\s*", re.ASCII | re.IGNORECASE)
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.ASCII)
_UNTIL_DAY = re.compile(r"UNTIL=(\d{8})(?![\dT])", re.ASCII)
"""a day on which it may still start"""


class Starts(ABC):
    """Raises ValueError, with what was expected, for a line that cannot be read."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def after(self, at: datetime) -> datetime | None:
        """The first start after this moment (UTC)."""
        found, neighbours = None, datetime.max
        for wall in self.forward(self.wall(at) - SHIFT):
            if wall > neighbours:
                break
            found = min((start for start in (found, *self.moments(wall)) if start and start > at), default=None)
            if found and neighbours == datetime.max:
                neighbours = wall + SHIFT
        return found

    def last(self, at: datetime, within: timedelta) -> datetime | None:
        """The last start at this moment or before it (UTC), if it is no longer ago than `within`."""
        found, neighbours = None, datetime.min
        wall_now = self.wall(at)
        for wall in self.backward(wall_now + SHIFT, wall_now - within - SHIFT):
            if wall < neighbours:
                break
            found = max((start for start in (found, *self.moments(wall)) if start and start <= at), default=None)
            if found and neighbours == datetime.min:
                neighbours = wall - SHIFT
        return found

    def wall(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=None)

    def moments(self, wall: datetime) -> tuple[datetime, ...]:
        """A wall clock's moments (UTC): one, or two where the start counts in both of two equal hours."""
        return (wall.replace(tzinfo=self.zone).astimezone(UTC),)

    @abstractmethod
    def forward(self, wall: datetime) -> Iterable[datetime]:
        """The starts after this wall clock, soonest first."""

    @abstractmethod
    def backward(self, wall: datetime, since: datetime) -> Iterable[datetime]:
        """The starts up to this wall clock, latest first; as far as `since`, or as the neighbours of the latest."""


class Cron(Starts):
    def __init__(self, line: str, zone: ZoneInfo) -> None:
        super().__init__(zone)
        self._line = line
        fields = line.split()
        if len(fields) != 5:
            expected = "expected minute, hour, day of month, month and day of week, for example `0 17 * * FRI`"
            raise ValueError(f"{expected}{instead_of_cron(line)}")
        self._everywhen = fields[0].startswith("*") or fields[1].startswith("*")
        try:
            read = CronSim(line, ANCHOR)
        except CronSimError as error:
            raise ValueError(f"{error}{instead_of_cron(line)}") from error
        if len(read.minutes) * len(read.hours) > MOST_OF_CRON:
            raise ValueError(f"it starts more than {MOST_OF_CRON} times a day: give one start and a longer duration")

    def moments(self, wall: datetime) -> tuple[datetime, ...]:
        once = super().moments(wall)
        return (*once, wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)) if self._everywhen else once

    def forward(self, wall: datetime) -> Iterable[datetime]:
        return takewhile(lambda start: start < wall + HORIZON, CronSim(self._line, wall))

    def backward(self, wall: datetime, since: datetime) -> Iterable[datetime]:
        # Backwards, CronSim leaves the moment itself out: begin a little later.
        return takewhile(lambda start: start >= since, CronSim(self._line, wall + timedelta(minutes=1), reverse=True))


class RecurrenceRule(Starts):
    def __init__(self, text: str, zone: ZoneInfo) -> None:
        super().__init__(zone)
        line, start = _without_start(text.strip(), zone)
        line = line.upper()
        check_rule(line)
        local = _UNTIL.sub(lambda until: f"UNTIL={_local(until[1], zone)}", line.replace(" ", "").rstrip(";"))
        local = _UNTIL_DAY.sub(r"UNTIL=\1T235959", local)
        found = recurrence.rrulestr(local, dtstart=start or ANCHOR)
        if not isinstance(found, recurrence.rrule):
            raise ValueError(f"expected one RRULE, {EXAMPLE}")
        _check_possible(found)
        self._rule = found
        self._counted = _counted(found)

    def forward(self, wall: datetime) -> Iterable[datetime]:
        return (start for start in self._between(wall, wall + HORIZON) if start > wall)

    def backward(self, wall: datetime, since: datetime) -> Iterator[datetime]:
        near = deque(takewhile(lambda start: start <= wall, self._between(since, wall)), maxlen=MOST_A_DAY * 2)
        return reversed(near)

    def _between(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Its starts from the day of `since` on (some may be earlier), up to `until`."""
        if self._counted is not None:
            return takewhile(lambda start: start <= until, iter(self._counted))
        return takewhile(lambda start: start <= until, stepped(from_near(self._rule, since), until))


def stepped(rule: recurrence.rrule, until: datetime) -> Iterator[datetime]:
    """The starts of a rule, for as many periods as there are up to `until`, whether anything starts in them or not."""
    begin: datetime = rule._dtstart  # type: ignore[attr-defined]
    days = PERIODS[rule._freq] * int(rule._interval)  # type: ignore[attr-defined]
    bounded = copy(rule)
    bounded._interval = _Interval(rule._interval, (until - begin).days // days + 2)  # type: ignore[attr-defined]
    try:
        yield from bounded
    except _FarEnoughError:
        return


def from_near(rule: recurrence.rrule, since: datetime) -> recurrence.rrule:
    """The same rule, counted from a period of its own shortly before `since`; for a rule without COUNT."""
    begin: datetime = rule._dtstart  # type: ignore[attr-defined]
    frequency, interval = rule._freq, rule._interval  # type: ignore[attr-defined]
    if frequency in (recurrence.DAILY, recurrence.WEEKLY):
        days = PERIODS[frequency] * interval
        begin = begin.replace(hour=0, minute=0, second=0) + timedelta(days=((since - begin).days // days - 1) * days)
    else:
        months = interval * (12 if frequency == recurrence.YEARLY else 1)
        passed = (since.year - begin.year) * 12 + since.month - begin.month
        first = begin.year * 12 + (begin.month - 1 if frequency == recurrence.MONTHLY else 0)
        first += (passed // months - 1) * months
        begin = datetime(first // 12, first % 12 + 1, 1)
    if begin <= rule._dtstart:  # type: ignore[attr-defined]
        return rule
    near = copy(rule)
    near._dtstart = begin  # type: ignore[attr-defined]
    return near


class _FarEnoughError(Exception):
    pass


class _Interval(int):
    """What dateutil adds once for each period that it has looked through: it would look until the year 9999."""

    left: int

    def __new__(cls, interval: int, most: int) -> Self:
        made = super().__new__(cls, interval)
        made.left = most
        return made

    def __radd__(self, other: int) -> int:
        self._step()
        return other + int(self)

    def __mul__(self, other: int) -> int:
        self._step()
        return int(self) * other

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _FarEnoughError


def _without_start(text: str, zone: ZoneInfo) -> tuple[str, datetime | None]:
    """The rule, and where its calendar entry begins, on the wall clock, if it says so."""
    match = _DTSTART.match(text)
    if not match:
        return text, None
    options = (match["options"] or "").removeprefix(";").replace('"', "")
    name, value = options.upper().startswith("TZID="), options.partition("=")[2]
    if name and value.upper() != zone.key.upper():
        raise ValueError(f"DTSTART is in {value} and the window in {zone.key}: give that zone as `timezone`")
    if options and not name and not options.upper().startswith("VALUE="):
        raise ValueError(f"DTSTART with {options} is not known: write `DTSTART:20261220T000000`")
    try:
        at = _local(match["at"].upper(), zone) if match["utc"] else match["at"].upper()
        return text[match.end() :], datetime.strptime(at, "%Y%m%dT%H%M%S" if "T" in at else "%Y%m%d")
    except ValueError as error:
        raise ValueError(f"DTSTART:{match['at']} is not a day: write `DTSTART:20261220T000000`") from error


def _local(utc: str, zone: ZoneInfo) -> str:
    at = datetime.strptime(utc, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return at.astimezone(zone).strftime("%Y%m%dT%H%M%S")


def _counted(rule: recurrence.rrule) -> tuple[datetime, ...] | None:
    """All starts of a rule with COUNT, which can only be counted from its beginning; None for any other."""
    count = rule._count  # type: ignore[attr-defined]
    if count is None:
        return None
    if count > MOST_COUNTED:
        raise ValueError(f"COUNT={count} is too many to count: at most {MOST_COUNTED}, or give UNTIL")
    begin: datetime = rule._dtstart  # type: ignore[attr-defined]
    found = tuple(stepped(rule, begin + MOST_COUNTED_DAYS))
    if len(found) < count and not (rule._until and found):  # type: ignore[attr-defined]
        raise ValueError(f"its {count} starts do not come within {MOST_COUNTED_DAYS.days // 365} years: give UNTIL")
    return found


def _check_possible(rule: recurrence.rrule) -> None:
    """Raises ValueError for a rule that starts all the time, or on a day that no month has."""
    parts = vars(rule)
    if prod(len(parts[name] or (0,)) for name in ("_byhour", "_byminute", "_bysecond")) > MOST_A_DAY:
        raise ValueError(f"it starts more than {MOST_A_DAY} times a day: give one start and a longer duration")
    days_apart = PERIODS[rule._freq] * rule._interval  # type: ignore[attr-defined]
    if timedelta(days=days_apart) > HORIZON:
        raise ValueError(f"INTERVAL={rule._interval} is more than nine years apart")  # type: ignore[attr-defined]
    if rule._until and rule._until < rule._dtstart:  # type: ignore[attr-defined]
        raise ValueError("it is over before it begins: give an UNTIL that is still to come")
    months, days = parts["_bymonth"] or range(1, 13), parts["_bymonthday"]
    longest = max(29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31 for month in months)
    if days and not parts["_bynmonthday"] and min(days) > longest:
        raise ValueError("no such day comes in any year: it never starts")
