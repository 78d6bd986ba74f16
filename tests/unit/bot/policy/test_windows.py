"""When it is open: cron and RRULE, zones, summer time, deny over allow."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.policy.windows import Window, closed_by, next_opening


def window(**said: object) -> Window:
    return Window.model_validate({"duration": "1h", **said})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def closed(windows: list[Window], moment: str) -> bool:
    return closed_by(windows, at(moment))[1]


WEEKEND = window(cron="0 17 * * FRI", duration="63h", timezone="Europe/Berlin")
OFFICE = window(kind="allow", cron="0 9 * * MON-FRI", duration="8h", timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "frozen"),
    [
        ("2026-01-09T15:59", False),
        ("2026-01-09T16:00", True),
        ("2026-01-11T12:00", True),
        ("2026-01-12T06:59:59", True),
        ("2026-01-12T07:00", False),
        ("2026-07-10T15:00", True),  # summer time: an hour earlier
    ],
)
def test_a_weekend_begins_and_ends_on_the_minute_by_the_wall_clock_of_its_zone(moment: str, frozen: bool) -> None:
    assert closed([WEEKEND], moment) is frozen


def test_deny_beats_allow_and_without_allow_all_is_open() -> None:
    assert not closed([], "2026-01-05T12:00")
    assert not closed([OFFICE], "2026-01-05T12:00")
    assert closed([OFFICE], "2026-01-05T18:00")
    lunch = window(cron="0 13 * * *", timezone="Europe/Berlin")
    assert closed([OFFICE, lunch], "2026-01-05T12:30")
    assert closed_by([OFFICE, lunch], at("2026-01-05T12:30"))[0] is lunch


@pytest.mark.parametrize(
    ("windows", "moment", "opens"),
    [
        ([], "2026-01-10T12:00", "2026-01-10T12:00"),
        ([WEEKEND], "2026-01-10T12:00", "2026-01-12T07:00"),
        ([OFFICE, WEEKEND], "2026-01-10T12:00", "2026-01-12T08:00"),
        ([OFFICE], "2026-01-05T16:00", "2026-01-06T08:00"),
        ([window(cron="0 0 * * *", duration="1d")], "2026-01-10T12:00", None),
    ],
)
def test_the_next_opening(windows: list[Window], moment: str, opens: str | None) -> None:
    assert next_opening(windows, at(moment)) == (at(opens) if opens else None)


def test_the_night_of_the_clock_change_is_as_long_as_its_duration() -> None:
    night = window(cron="30 1 29 3 *", duration="3h", timezone="Europe/Berlin")
    assert night.end(at("2026-03-29T03:29")) == at("2026-03-29T03:30")
    assert night.end(at("2026-03-29T03:30")) is None


def test_an_rrule_is_meant_on_the_wall_clock_and_keeps_its_weeks() -> None:
    """Every second Friday stays the same Friday over the turn of the year."""
    fridays = window(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;BYHOUR=15", duration="2h", timezone="Europe/Berlin")
    starts, moment = [], at("2025-12-20T00:00")
    for _ in range(3):
        moment = fridays.next_start(moment)  # type: ignore[assignment]
        starts.append(moment)
    assert [later - earlier for earlier, later in pairwise(starts)] == [timedelta(days=14)] * 2
    assert {start.hour for start in starts} == {14}
    assert fridays.end(starts[0]) == starts[0] + timedelta(hours=2)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "either cron or rrule"),
        ({"cron": "0 9 * * *", "rrule": "FREQ=DAILY"}, "either cron or rrule"),
        ({"cron": "61 9 * * *"}, "cannot be read"),
        ({"cron": "0 0 9 * * *"}, "expected minute, hour"),
        ({"rrule": "FREQ=HOURLY"}, "WEEKLY or DAILY"),
        ({"rrule": "now and then"}, "cannot be read"),
        ({"cron": "0 9 * * *", "duration": "0m"}, "must last"),
        ({"cron": "0 9 * * *", "timezone": "Berlin"}, "'Berlin' is not a time zone"),
    ],
)
def test_a_mistake_says_what_was_expected(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        window(**said)


moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(lambda d: d.replace(tzinfo=UTC))


@given(moments)
def test_an_opening_is_open_and_nothing_before_it_was(moment: datetime) -> None:
    windows = [OFFICE, WEEKEND, window(cron="15 11 * * *", duration="20m")]
    opens = next_opening(windows, moment)
    assert opens is not None
    assert opens >= moment
    assert not closed_by(windows, opens)[1]
    if opens > moment:
        assert closed_by(windows, opens - timedelta(seconds=1))[1]
        assert closed_by(windows, moment)[1]


@settings(max_examples=150)
@given(st.integers(1, 3), st.integers(0, 59), st.sampled_from(["2026-03-29", "2026-10-25"]), st.integers(0, 4 * 60))
def test_a_window_that_begins_in_the_hour_of_the_clock_change_has_no_hole(
    hour: int, minute: int, day: str, later: int
) -> None:
    """The night in which an hour is missing, and the one in which it comes twice: from its start on, for its time."""
    zone = ZoneInfo("Europe/Berlin")
    night = window(rrule=f"FREQ=DAILY;BYHOUR={hour};BYMINUTE={minute};BYSECOND=0", duration="2h", timezone=zone.key)
    midnight = datetime.fromisoformat(day)
    days = [midnight + timedelta(days=n, hours=hour, minutes=minute) for n in (-1, 0, 1)]
    starts = [wall.replace(tzinfo=zone).astimezone(UTC) for wall in days]
    moment = midnight.replace(tzinfo=zone).astimezone(UTC) + timedelta(minutes=later)
    lasting = [start for start in starts if start <= moment < start + timedelta(hours=2)]
    assert night.end(moment) == (lasting[0] + timedelta(hours=2) if lasting else None)
    assert night.next_start(moment) == min(start for start in starts if start > moment)


def brute(line: str, zone: ZoneInfo, lasts: timedelta, at: datetime) -> bool:
    """Independently of the library: every minute of the time before, its wall clock held against the fields.

    A fixed time counts once, where it comes first; with `*` for the hour or the minute it counts wherever it comes. In
    the hour that is left out it counts as it would without the change.
    """
    minutes, hours, day, month, _ = line.split()
    starts = set()
    wall = (at - lasts).astimezone(zone).replace(tzinfo=None, second=0) - timedelta(hours=3)
    while wall <= at.astimezone(zone).replace(tzinfo=None) + timedelta(hours=3):
        fields = ((minutes, wall.minute), (hours, wall.hour), (day, wall.day), (month, wall.month))
        if all(said == "*" or int(said) == is_now for said, is_now in fields):
            folds = (0, 1) if "*" in (minutes, hours) else (0,)
            starts |= {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in folds}
        wall += timedelta(minutes=1)
    return any(start <= at < start + lasts for start in starts)


NIGHTS = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-11-01"),
    ("America/Havana", "2026-11-01"),
    ("Australia/Lord_Howe", "2027-04-04"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Asia/Kathmandu", "2026-10-25"),
]


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(NIGHTS),
    st.integers(0, 59),
    st.sampled_from(["0", "1", "2", "3", "*"]),
    st.sampled_from(["20m", "1h", "2h", "5h"]),
    st.integers(-60, 6 * 60),
)
def test_cron_windows_are_what_every_minute_of_the_night_says(
    night: tuple[str, str], minute: int, hour: str, lasts: str, later: int
) -> None:
    zone, line = ZoneInfo(night[0]), f"{minute} {hour} * * *"
    moment = datetime.fromisoformat(night[1]).replace(tzinfo=zone).astimezone(UTC) + timedelta(minutes=later)
    one = window(cron=line, duration=lasts, timezone=zone.key)
    assert bool(one.end(moment)) is brute(line, zone, one.duration, moment)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(NIGHTS), st.integers(0, 59), st.integers(0, 3), st.integers(0, 23), st.integers(1, 5))
def test_the_opening_is_bounded_and_open_in_every_such_night(
    night: tuple[str, str], minute: int, hour: int, before: int, lasts: int
) -> None:
    moment = datetime.fromisoformat(night[1]).replace(tzinfo=UTC) - timedelta(hours=before)
    windows = [
        window(kind="allow", cron=f"{minute} {hour} * * *", duration=f"{lasts}h", timezone=night[0]),
        window(cron=f"0 {hour} * * *", duration="1h", timezone=night[0]),
    ]
    opens = next_opening(windows, moment)
    if opens is not None:
        assert opens >= moment
        assert not closed_by(windows, opens)[1]
    else:
        assert (minute, lasts) == (0, 1)  # the one that denies is the one that allows


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"rrule": "FREQ=DAILY;INTERVAL=0"}, "INTERVAL=0 cannot be"),
        ({"rrule": "FREQ=DAILY;INTERVAL=-1"}, "INTERVAL=-1 cannot be"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "no such day"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=31"}, "no such day"),
        ({"rrule": "FREQ=YEARLY;COUNT=0"}, "cannot be"),
        ({"rrule": "FREQ=DAILY;BYMINUTE=" + ",".join(map(str, range(60)))}, "more than 24 times"),
        ({"rrule": "DTSTART;TZID=Europe/Paris:20261220T000000\nRRULE:FREQ=YEARLY"}, "Europe/Paris|EUROPE/PARIS"),
        ({"cron": "* * * * *"}, "more than 48 times"),
        ({"cron": "0 0 30 2 *"}, "cannot be"),
        ({"cron": "0 0 * * FRI-SUN"}, "FRI,SAT,SUN"),
        ({"cron": "0 0 * * SAT-MON"}, "SAT,SUN,MON"),
        ({"cron": "0 9 * * *", "duration": "9999d"}, "at most 366 days"),
        ({"cron": "0 0 * * fri-sun"}, "write FRI,SAT,SUN"),
        ({"cron": "0 0 * * friday-sunday"}, "write FRI,SAT,SUN"),
        ({"cron": "0 0 * * MON,FRI-SUN"}, "write MON,FRI,SAT,SUN"),
        ({"cron": "0 0 * * 5-0"}, "write 5,6,0"),
        ({"cron": "0 0 * * Friday"}, "write FRI"),
        ({"cron": "0 0 20 DEC-JAN *"}, "write DEC,JAN"),
        ({"cron": "0 0 20 december *"}, "write DEC"),
        ({"cron": "0 22-6 * * *"}, "write 22-23,0-6 for the hour"),
        ({"cron": "0 0 25-5 12 *"}, "write 25-31,1-5 for the day of month"),
        ({"cron": "0 0 ? * FRI"}, "write \\* for the day of month"),
        ({"cron": "@weekly"}, "write `0 0 \\* \\* SUN`"),
        ({"cron": "CRON_TZ=Europe/Berlin 0 0 * * FRI"}, "give the time zone as `timezone`"),
        ({"rrule": "FREQ=MONTHLY;BYMONTHDAY=0"}, "BYMONTHDAY=0 cannot be: give 1 to 31"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=12,13"}, "BYMONTH=13 cannot be"),
        ({"rrule": "FREQ=YEARLY;BYYEARDAY=0"}, "BYYEARDAY=0 cannot be"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=1FR"}, "counts the days of a month"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=FRI"}, "give MO, TU"),
        ({"rrule": "FREQ=DAILY;FREQ=WEEKLY"}, "FREQ is given twice"),
        ({"rrule": "BYDAY=FR"}, "does not say how often"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=FR;UNTIL=31/12/2027"}, "give 20271231T235959Z or 20271231"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=FR;UNTIL=20201231"}, "over before it begins"),
        ({"rrule": "FREQ=YEARLY;INTERVAL=500"}, "more than nine years apart"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=12\nEXDATE:20261220T000000"}, "one RRULE"),
        ({"rrule": "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"}, "windows of their own"),
        ({"rrule": "DTSTART:20261320T000000\nRRULE:FREQ=YEARLY"}, "DTSTART:20261320T000000 is not a day"),
    ],
)
def test_what_can_never_start_or_starts_all_the_time_is_told(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        window(**said)


def test_calendar_entries_are_read_as_calendars_export_them() -> None:
    zone = "Europe/Berlin"
    entry = "DTSTART;TZID=Europe/Berlin:20261220T000000\nRRULE:FREQ=YEARLY"
    yearly = window(rrule=entry, duration="14d", timezone=zone)
    assert yearly.next_start(at("2026-01-01T00:00")) == at("2026-12-19T23:00")
    utc = window(rrule="DTSTART:20261220T000000Z\nRRULE:FREQ=WEEKLY;BYDAY=SU", duration="1d")
    assert utc.next_start(at("2026-01-01T00:00")) == at("2026-12-20T00:00")
    until = window(rrule="FREQ=DAILY;UNTIL=20260105T110000Z;BYHOUR=12;BYMINUTE=0;BYSECOND=0", timezone=zone)
    assert until.next_start(at("2026-01-05T10:59")) == at("2026-01-05T11:00")
    assert until.next_start(at("2026-01-05T11:00")) is None
    assert until.over(at("2026-01-05T12:00"))
    assert not until.over(at("2026-01-05T11:30"))
    quoted = window(rrule='dtstart;tzid="Europe/Berlin":20261220T000000\nrrule:freq=yearly;', timezone=zone)
    assert quoted.next_start(at("2026-01-01T00:00")) == at("2026-12-19T23:00")


def test_a_day_as_the_end_is_a_day_on_which_it_still_starts() -> None:
    evenings = window(rrule="FREQ=DAILY;BYHOUR=17;BYMINUTE=0;BYSECOND=0;UNTIL=20270105")
    assert evenings.next_start(at("2027-01-05T00:00")) == at("2027-01-05T17:00")
    assert evenings.next_start(at("2027-01-05T17:00")) is None
