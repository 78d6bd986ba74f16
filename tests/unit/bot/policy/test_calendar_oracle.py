"""Fifty calendars of freezes, as teams write them, held against an evaluator of its own at the instants that matter."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.policy.windows import Window, closed_by, next_opening
from tests.unit.bot.policy.calendar_oracle import cron_starts, rule_starts

FIRST, LAST = date(2026, 1, 1), date(2028, 3, 10)
CRON = [
    ("0 17 * * FRI", "63h", "Europe/Berlin"),
    ("0 16 * * 5", "64h", "America/New_York"),
    ("0 0 * * SAT,SUN", "1d", "UTC"),
    ("0 0 * * 6,0", "24h", "Asia/Tokyo"),
    ("0 0 * * 6-7", "24h", "Europe/London"),
    ("0 18 * * 1-5", "14h", "Europe/Berlin"),
    ("30 2 * * *", "2h", "Europe/Berlin"),
    ("30 2 * * SUN", "1h", "America/New_York"),
    ("59 1 * * *", "3h", "America/Chicago"),
    ("30 0 * * *", "2h", "America/Havana"),
    ("45 1 * * *", "3h", "Australia/Lord_Howe"),
    ("15 2 * * 0", "30m", "Australia/Sydney"),
    ("0 1 * * *", "1h", "Europe/London"),
    ("0 */6 * * *", "90m", "Europe/Berlin"),
    ("30 */1 * * SUN", "20m", "Europe/Berlin"),
    ("*/30 2 * * *", "10m", "America/New_York"),
    ("0 0 20 12 *", "14d", "Europe/Berlin"),
    ("0 0 24 DEC *", "9d", "America/Los_Angeles"),
    ("0 0 1 * *", "3d", "UTC"),
    ("0 0 28-31 * *", "1d", "Europe/Madrid"),
    ("0 9 1,15 * *", "8h", "Asia/Kolkata"),
    ("0 22 29 2 *", "4h", "Europe/Berlin"),
    ("0 12 13 * FRI", "12h", "UTC"),
    ("0 8 * 1-3,12 MON", "4h", "America/Sao_Paulo"),
    ("5 4 */2 * *", "6h", "Pacific/Auckland"),
    ("0 0 25 11 *", "5d", "America/New_York"),
    ("0 3 26-31 3 SUN", "2h", "Europe/Berlin"),
]
RULES = [
    ("FREQ=WEEKLY;BYDAY=FR;BYHOUR=17;BYMINUTE=0;BYSECOND=0", "63h", "Europe/Berlin", None),
    ("FREQ=WEEKLY;BYDAY=SA,SU", "1d", "America/New_York", None),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU", "10h", "UTC", None),
    ("FREQ=WEEKLY;INTERVAL=3;BYDAY=SU;WKST=MO", "2d", "Europe/Paris", None),
    ("FREQ=DAILY;INTERVAL=10", "3d", "UTC", None),
    ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0", "2h", "Europe/Berlin", None),
    ("FREQ=DAILY;BYMONTH=12,1;BYDAY=MO,TU,WE,TH,FR", "9h", "Europe/Berlin", None),
    ("FREQ=DAILY;BYHOUR=9,13;BYMINUTE=0,30;BYSECOND=0", "20m", "Asia/Kathmandu", None),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", "1d", "Europe/Berlin", None),
    ("FREQ=MONTHLY;BYMONTHDAY=31", "1d", "UTC", None),
    ("FREQ=MONTHLY;BYDAY=1FR", "2d", "America/New_York", None),
    ("FREQ=MONTHLY;BYDAY=-1FR,2MO", "18h", "America/New_York", None),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "1d", "Europe/London", None),
    ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1,2", "12h", "UTC", None),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1d", "UTC", None),
    ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=20", "14d", "Europe/Berlin", None),
    ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "4d", "America/New_York", None),
    ("FREQ=YEARLY;BYDAY=-1SU", "7d", "UTC", None),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "1d", "UTC", None),
    ("FREQ=YEARLY;BYYEARDAY=1,-1", "1d", "Asia/Tokyo", None),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "5d", "Europe/Berlin", None),
    ("FREQ=YEARLY;INTERVAL=2;BYMONTH=7;BYMONTHDAY=4", "2d", "America/New_York", None),
    ("FREQ=DAILY;UNTIL=20270105", "30h", "UTC", datetime(2026, 12, 20, 17)),
    ("FREQ=WEEKLY;BYDAY=FR;UNTIL=20270101T225959Z", "1d", "Europe/Berlin", datetime(2026, 3, 6)),
    ("FREQ=YEARLY;COUNT=2", "14d", "Europe/Berlin", datetime(2026, 12, 20)),
    ("FREQ=MONTHLY;COUNT=7;BYDAY=TU;BYSETPOS=2", "3d", "America/Toronto", datetime(2026, 5, 1, 6)),
]
CALENDARS = [(line, lasts, zone, None, False) for line, lasts, zone in CRON] + [(*rule, True) for rule in RULES]


def _instants(starts: list[datetime], lasts: timedelta) -> list[datetime]:
    """Around the beginnings and the ends, in the nights of the clock changes, and some at random."""
    rolled = Random(len(starts))
    near = rolled.sample(starts, min(4, len(starts)))
    edges = [at + step for start in near for at in (start, start + lasts) for step in map(_seconds, (-60, -1, 0, 1))]
    nights = [
        datetime.fromisoformat(f"{day}T00:00Z") for day in ("2026-03-29", "2026-10-25", "2026-11-01", "2027-04-04")
    ]
    changes = [night + timedelta(minutes=20 * step) for night in nights for step in range(-30, 20)]
    anywhen = [datetime(2026, 1, 20, tzinfo=UTC) + timedelta(minutes=rolled.randrange(1_000_000)) for _ in range(8)]
    return [*edges, *rolled.sample(changes, 24), *anywhen]


def _seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(("line", "lasts", "zone", "begin", "rule"), CALENDARS)
def test_it_is_frozen_when_the_days_themselves_say_so(
    line: str, lasts: str, zone: str, begin: datetime | None, rule: bool
) -> None:
    entry = f"DTSTART:{begin:%Y%m%dT%H%M%S}\nRRULE:{line}" if begin else line
    window = Window.model_validate({"rrule" if rule else "cron": entry, "duration": lasts, "timezone": zone})
    place = ZoneInfo(zone)
    starts = sorted(rule_starts(line, place, LAST, begin) if rule else cron_starts(line, place, FIRST, LAST))
    assert starts
    for at in _instants(starts, window.duration):
        if not datetime(2026, 1, 16, tzinfo=UTC) < at < datetime(2028, 2, 28, tzinfo=UTC):
            continue
        index = bisect_right(starts, at)
        latest = starts[index - 1] if index else None
        lasting = latest is not None and at < latest + window.duration
        assert bool(window.end(at)) is lasting, at
        assert not lasting or window.end(at) == latest + window.duration  # type: ignore[operator]
        if index < len(starts):
            assert window.next_start(at) == starts[index], at
    opens = next_opening([window], at)
    assert opens is None or (opens >= at and not closed_by([window], opens)[1])
