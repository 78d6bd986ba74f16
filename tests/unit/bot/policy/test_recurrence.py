"""Every search over a calendar ends, however its parts contradict each other; steps are counted, not milliseconds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.policy import recurrence
from bot.policy.recurrence import ANCHOR
from bot.policy.windows import Window, closed_by, next_opening

MOST_AT_LOAD = 16_000
"""periods and starts looked at while a window is read: forty years, day by day, and a thousand counted starts"""
MOST_AT_WORK = 8_000
"""and in one question about one window: nine years, day by day, or a year of 24 starts a day"""


class Steps:
    """What was looked at: periods of a rule, and starts that came of it."""

    def __init__(self) -> None:
        self.taken = 0

    def since_last(self) -> int:
        taken, self.taken = self.taken, 0
        return taken


@pytest.fixture(scope="module")
def steps() -> Iterator[Steps]:
    counted, plain_step, plain = Steps(), recurrence._Interval._step, recurrence.stepped

    def step(self: recurrence._Interval) -> None:
        counted.taken += 1
        plain_step(self)

    def stepped(*given: Any) -> Iterator[datetime]:
        for start in plain(*given):
            counted.taken += 1
            yield start

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurrence._Interval, "_step", step)
        patch.setattr(recurrence, "stepped", stepped)
        yield counted


def window(**said: object) -> Window:
    return Window.model_validate({"duration": "1h", **said})


CONTRADICTIONS = [
    "FREQ=DAILY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2",
    "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4,6,9,11",
    "FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2",
    "FREQ=DAILY;BYSETPOS=2",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
    "FREQ=YEARLY;BYSETPOS=366;BYMONTH=1;BYMONTHDAY=1",
    "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=-366",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7;BYDAY=MO",
    "FREQ=DAILY;BYYEARDAY=1;BYMONTHDAY=2",
    "FREQ=DAILY;BYEASTER=0;BYMONTH=1",
    "FREQ=YEARLY;BYDAY=+6MO;BYMONTH=3",
    "FREQ=MONTHLY;BYDAY=-6FR",
    "FREQ=YEARLY;INTERVAL=4;BYYEARDAY=366;DTSTART:20250101",
    "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2",
    "FREQ=DAILY;COUNT=3;BYYEARDAY=366;BYMONTH=1",
    "FREQ=DAILY;COUNT=1000000",
    "FREQ=YEARLY;COUNT=900",
    "FREQ=MINUTELY",
    "FREQ=SECONDLY",
    "FREQ=SECONDLY;INTERVAL=86400",
    "FREQ=MINUTELY;BYHOUR=3",
    "FREQ=HOURLY;BYDAY=MO",
    "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,20,40",
    "FREQ=DAILY;BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24",
]


@pytest.mark.parametrize("rule", CONTRADICTIONS)
def test_what_cannot_be_meant_or_not_be_answered_cheaply_is_refused_soon(steps: Steps, rule: str) -> None:
    steps.since_last()
    with pytest.raises(ValidationError) as refused:
        window(rrule=rule)
    assert steps.since_last() <= MOST_AT_LOAD
    said = refused.value.errors()[0]["msg"]
    assert any(words in said for words in ("never starts", "times a day", "daily or more rarely", "UNTIL", "read"))


@pytest.mark.parametrize("line", ["* * * * *", "*/5 * * * *", "*/15 * * * *", "0,20,40 * * * *", "* 3 * * *"])
def test_a_cron_line_that_starts_all_the_time_is_refused(line: str) -> None:
    with pytest.raises(ValidationError, match="more than 48 times a day"):
        window(cron=line)


numbers = st.integers


def lists(least: int, most: int) -> st.SearchStrategy[str]:
    drawn = st.lists(numbers(least, most).filter(bool), min_size=1, max_size=3, unique=True)
    return drawn.map(lambda found: ",".join(map(str, found)))


PARTS = {
    "INTERVAL": st.one_of(numbers(1, 6), numbers(1, 500)).map(str),
    "BYMONTH": lists(1, 12),
    "BYMONTHDAY": lists(-31, 31),
    "BYYEARDAY": lists(-366, 366),
    "BYWEEKNO": lists(-53, 53),
    "BYDAY": st.sampled_from(["MO", "TU,TH", "SU", "MO,TU,WE,TH,FR"]),
    "BYSETPOS": lists(-9, 9),
    "BYHOUR": st.sampled_from(["0", "3", "0,12", ",".join(map(str, range(24)))]),
    "WKST": st.sampled_from(["MO", "SU"]),
    "COUNT": numbers(1, 1200).map(str),
    "UNTIL": st.sampled_from(["20250101T000000", "20280101T000000", "20990101T000000"]),
}


@st.composite
def rules(draw: st.DrawFn, without: tuple[str, ...] = ()) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    names = draw(st.lists(st.sampled_from(sorted(set(PARTS) - set(without))), unique=True, max_size=5))
    if {"COUNT", "UNTIL"} <= set(names):
        names.remove("COUNT")
    start = draw(st.sampled_from(["", "", "DTSTART:19700101T090000\n", "DTSTART:20240131\n", "DTSTART:20300229\n"]))
    return start + ";".join([f"FREQ={frequency}", *(f"{name}={draw(PARTS[name])}" for name in names)])


moments = st.datetimes(datetime(2023, 1, 1), datetime(2032, 12, 31)).map(lambda d: d.replace(tzinfo=UTC))
durations = st.sampled_from(["1h", "24h", "30d", "366d"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules(), durations, moments, st.sampled_from(["allow", "deny"]))
def test_reading_a_window_and_every_question_about_it_ends(
    steps: Steps, rule: str, lasts: str, moment: datetime, kind: str
) -> None:
    steps.since_last()
    try:
        drawn = window(rrule=rule, duration=lasts, kind=kind, timezone="Europe/Berlin")
    except ValidationError:
        assert steps.since_last() <= MOST_AT_LOAD
        return
    assert steps.since_last() <= MOST_AT_LOAD
    closed_by([drawn], moment)
    assert steps.since_last() <= MOST_AT_WORK * 2
    drawn.over(moment)
    assert steps.since_last() <= MOST_AT_WORK * 3
    next_opening([drawn], moment)
    assert steps.since_last() <= MOST_AT_WORK * 20


@settings(max_examples=150, deadline=None)
@given(rules(without=("COUNT",)), moments)
def test_counted_from_near_it_starts_when_it_starts_counted_from_the_beginning(rule: str, moment: datetime) -> None:
    """dateutil itself, from its own beginning, is the judge: 24 starts a day since 1970 are half a million."""
    try:
        drawn = window(rrule=rule, duration="366d")
    except ValidationError:
        return
    wall = moment.replace(tzinfo=None)
    judge = rrulestr(rule.replace("\n", "\nRRULE:") if rule.startswith("DTSTART") else rule, dtstart=ANCHOR)
    until = wall + timedelta(days=366 * 9)
    starts: list[datetime] = []
    for start in islice(judge, 600_000):
        starts.append(start)
        if start > wall:
            break
    after = [start for start in starts if wall < start < until]
    found = drawn.next_start(moment)
    assert (found and found.replace(tzinfo=None)) == (after[0] if after else None) or not starts
    before = [start for start in starts if wall - timedelta(days=366) < start <= wall]
    end = drawn.end(moment)
    assert (end and end.replace(tzinfo=None) - timedelta(days=366)) == (before[-1] if before else None)
