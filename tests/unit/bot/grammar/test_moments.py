"""Times that people type, in the zone that they live in."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InvalidCommand
from bot.grammar.moments import moment, split

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)  # Monday, 13:00 in Berlin


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2h", "2026-01-05T14:00"),
        ("1h30m", "2026-01-05T13:30"),
        ("1h 30 min", "2026-01-05T13:30"),
        ("90 minutes", "2026-01-05T13:30"),
        ("2 days", "2026-01-07T12:00"),
        ("18:00", "2026-01-05T17:00"),
        ("08:00", "2026-01-06T07:00"),
        ("9am", "2026-01-06T08:00"),
        ("noon", "2026-01-06T11:00"),
        ("today 18:00", "2026-01-05T17:00"),
        ("tomorrow", "2026-01-05T23:00"),
        ("tomorrow 9am", "2026-01-06T08:00"),
        ("tomorrow at 9:30 pm", "2026-01-06T20:30"),
        ("mon 08:00", "2026-01-12T07:00"),
        ("MON 14:00", "2026-01-05T13:00"),
        ("friday 5pm", "2026-01-09T16:00"),
        ("fri", "2026-01-08T23:00"),
        ("5 oct", "2026-10-04T22:00"),
        ("oct 5th 08:00", "2026-10-05T06:00"),
        ("2026-10-05", "2026-10-04T22:00"),
        ("2026-10-05 08:00", "2026-10-05T06:00"),
        ("2026-10-05T08:00", "2026-10-05T06:00"),
        ("2026-10-05T08:00Z", "2026-10-05T08:00"),
        ("2026-10-05 08:00 +05:30", "2026-10-05T02:30"),
        ("18:00 utc", "2026-01-05T18:00"),
        ("18:00 gmt+01", "2026-01-05T17:00"),
        ("9am friday", "2026-01-09T08:00"),
        ("5pm on friday", "2026-01-09T16:00"),
        ("noon tomorrow", "2026-01-06T11:00"),
        ("thurs", "2026-01-07T23:00"),
        ("until 17h", "2026-01-05T16:00"),
        ("until 17h30", "2026-01-05T16:30"),
        ("until 8 dec 18h", "2026-12-08T17:00"),
        ("17h", "2026-01-06T05:00"),
        ("2hrs", "2026-01-05T14:00"),
        ("half an hour", "2026-01-05T12:30"),
        ("an hour", "2026-01-05T13:00"),
        ("an hour and a half", "2026-01-05T13:30"),
        ("two hours", "2026-01-05T14:00"),
        ("a day", "2026-01-06T12:00"),
    ],
)
def test_what_a_time_means(text: str, utc: str) -> None:
    assert moment(text, NOW, BERLIN) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("whenever", "is not a time"),
        ("8", "is not a time"),
        ("1/2/2026", "is not a time"),
        ("25:00", "is not a time"),
        ("30 feb", "is not a time"),
        ("0m", "is in the past"),
        ("2026-01-01", "is in the past"),
        ("today 9am", "is in the past"),
        ("yesterday", "is in the past"),
        ("yesterday 9am", "is in the past"),
        ("2027-03-01", "more than a year away"),
        ("9999w", "more than a year away"),
        ("08:00 CET", "is not a time"),
        ("tomorrow 23:59 +9999", "is not a time"),
        ("tomorrow 23:59 -2400", "is not a time"),
        ("tomorrow 23:59 +0060", "is not a time"),
        ("9999-12-31 23:59 -1400", "is (not a time|more than a year away)"),
        ("0001-01-01 00:00 +1400", "is (not a time|in the past)"),
        ("0000-00-00", "is not a time"),
        ("29 feb", "is not a time|year away"),
        ("31 jun", "is not a time"),
        ("4 jan", "is in the past"),
        ("a second", "is not a time"),
        ("monday morning", "is not a time"),
        ("next monday", "is not a time"),
        ("by friday", "is not a time"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_examples(text: str, says: str) -> None:
    with pytest.raises(InvalidCommand, match=says) as told:
        moment(text, NOW, BERLIN)
    assert "`mon 08:00`" in told.value.sentence


@pytest.mark.parametrize(
    ("typed", "time", "rest"),
    [
        ("mon 08:00 INC-123 disk is full", "mon 08:00", "INC-123 disk is full"),
        ("2h INC-123", "2h", "INC-123"),
        ("2 h 5 disks are full", "2 h", "5 disks are full"),
        ("18:00: the audit", "18:00", "the audit"),
        ("tomorrow we may see", "tomorrow", "we may see"),
        ("2026-10-05 08:00 may be long", "2026-10-05 08:00", "may be long"),
        ("INC-123", "", "INC-123"),
    ],
)
def test_where_the_time_ends_and_the_reason_begins(typed: str, time: str, rest: str) -> None:
    assert split(typed.split()) == (time, tuple(rest.split()))


@given(st.text(max_size=40))
def test_any_text_is_a_time_to_come_or_a_sentence(text: str) -> None:
    with suppress(InvalidCommand):
        assert moment(text, NOW, BERLIN) > NOW


PIECES = st.sampled_from(
    [
        "today",
        "tomorrow",
        "mon",
        "friday",
        "jan",
        "feb",
        "29",
        "30",
        "31",
        "2",
        "0",
        "9999",
        "0000-00-00",
        "9999-12-31",
        "2027-02-29",
        "23:59",
        "24:00",
        "00:00",
        "12:00am",
        "13:00pm",
        "17h",
        "noon",
        "midnight",
        "+9999",
        "-1400",
        "+1400",
        "+00:60",
        "z",
        "utc",
        "gmt+14",
        "2h",
        "9999w",
        "1000000000d",
        "half",
        "an",
        "hour",
        "a",
        "at",
        "on",
        "until",
        "for",
        "and",
    ]
)


@given(st.lists(PIECES, max_size=6), st.datetimes(datetime(1, 1, 3), datetime(9998, 1, 1)))
def test_any_mixture_of_pieces_of_times_is_a_time_to_come_or_a_sentence(pieces: list[str], at: datetime) -> None:
    """At any moment of the calendar, its ends among them: never another exception."""
    now = at.replace(tzinfo=UTC)
    with suppress(InvalidCommand):
        assert moment(" ".join(pieces), now, BERLIN) > now


@pytest.mark.parametrize(
    ("now", "text", "utc"),
    [
        ("2026-11-28T13:00", "jan 2", "2027-01-01T23:00"),
        ("2026-12-31T20:00", "1 january", "2026-12-31T23:00"),
        ("2027-12-01T12:00", "29 feb", "2028-02-28T23:00"),
        ("2026-11-28T13:00", "2027-01-02", "2027-01-01T23:00"),
        ("2026-12-31T23:30", "today 9am", "2027-01-01T08:00"),
        ("2026-10-25T00:30", "02:30 +01:00", "2026-10-25T01:30"),
    ],
)
def test_at_the_end_of_the_year(now: str, text: str, utc: str) -> None:
    found = moment(text, datetime.fromisoformat(now).replace(tzinfo=UTC), BERLIN)
    assert found == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@given(st.datetimes(datetime(2026, 1, 5, 12, 1), datetime(2026, 12, 31)))
def test_an_iso_time_means_itself(at: datetime) -> None:
    at = at.replace(second=0, microsecond=0, tzinfo=UTC)
    assert moment(f"{at:%Y-%m-%d %H:%M} UTC", NOW, BERLIN) == at
