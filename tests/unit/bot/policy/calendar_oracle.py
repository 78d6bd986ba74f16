"""An evaluator of calendars that shares no line with the one it judges: every day is looked at, no library is asked.

A start is a wall clock; of an hour that comes twice it is the first, unless a cron line says `*` for the hour or the
minute, and in an hour that is left out it is as long after midnight as it says.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
CRON_WEEK = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
CRON_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
ANCHOR = date(2024, 1, 1)


def cron_starts(line: str, zone: ZoneInfo, first: date, last: date) -> list[datetime]:
    """All starts (UTC) of the days from `first` to `last`."""
    minute, hour, day, month, weekday = line.split()
    minutes, hours = _field(minute, 0, 59), _field(hour, 0, 23)
    folds = (0, 1) if minute.startswith("*") or hour.startswith("*") else (0,)
    days = [each for each in _days(first, last) if _cron_day(each, day, month, weekday)]
    walls = [datetime(d.year, d.month, d.day, h, m) for d, h, m in product(days, hours, minutes)]
    return sorted({wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for wall in walls for fold in folds})


def _cron_day(each: date, day: str, month: str, weekday: str) -> bool:
    """Of day and weekday one is enough, where neither is `*`."""
    if each.month not in _field(month, 1, 12, CRON_MONTHS):
        return False
    by_day = each.day in _field(day, 1, 31)
    by_weekday = each.isoweekday() % 7 in {number % 7 for number in _field(weekday, 0, 7, CRON_WEEK)}
    return (by_day and by_weekday) if "*" in (day[:1], weekday[:1]) else (by_day or by_weekday)


def _field(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        begin, dash, end = span.partition("-")
        first = low if span == "*" else _value(begin, low, names)
        last = high if span == "*" or (step and not dash) else _value(end, low, names) if dash else first
        found |= set(range(first, last + 1, int(step or 1)))
    return found


def _value(word: str, low: int, names: tuple[str, ...]) -> int:
    return names.index(word.upper()) + low if word.upper() in names else int(word)


def rule_starts(line: str, zone: ZoneInfo, last: date, begin: datetime | None = None) -> list[datetime]:
    """All starts (UTC) of an RRULE from where it is counted to `last`; hours and minutes are those of its beginning
    where it says none.
    """
    parts = dict(part.split("=") for part in line.split(";"))
    start = begin or datetime(ANCHOR.year, ANCHOR.month, ANCHOR.day)
    times = list(product(*(_numbers(parts, name) or [default] for name, default in (
        ("BYHOUR", start.hour), ("BYMINUTE", start.minute), ("BYSECOND", start.second)
    ))))  # fmt: skip
    walls: list[datetime] = []
    for period in _periods(parts, start.date(), last):
        found = sorted(
            datetime(d.year, d.month, d.day, time[0], time[1], time[2])
            for d in period
            if _rule_day(d, parts, start.date())
            for time in times
        )
        if places := _numbers(parts, "BYSETPOS"):
            found = [found[at - 1 if at > 0 else at] for at in sorted(places) if abs(at) <= len(found)]
        walls += [wall for wall in sorted(set(found)) if wall >= start]
    walls = [wall for wall in walls if wall <= _until(parts, zone)]
    return [wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls[: int(parts.get("COUNT", 10**6))]]


def _until(parts: dict[str, str], zone: ZoneInfo) -> datetime:
    text = parts.get("UNTIL", "99990101")
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return datetime.strptime(text if "T" in text else f"{text}T235959", "%Y%m%dT%H%M%S")


def _numbers(parts: dict[str, str], name: str) -> list[int]:
    return [int(number) for number in parts[name].split(",")] if name in parts else []


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _periods(parts: dict[str, str], start: date, last: date) -> list[list[date]]:
    """The days of every period that counts, whole ones also before the start."""
    step = int(parts.get("INTERVAL", "1"))
    week = WEEK.index(parts.get("WKST", "MO"))

    def number(day: date) -> int:
        match parts["FREQ"]:
            case "DAILY":
                return day.toordinal()
            case "WEEKLY":
                return (day.toordinal() - 1 - week) // 7
            case "MONTHLY":
                return day.year * 12 + day.month
            case _:
                return day.year

    found: dict[int, list[date]] = {}
    for day in _days(date(start.year, 1, 1) - timedelta(days=7), last):
        if (number(day) - number(start)) % step == 0 and number(day) >= number(start):
            found.setdefault(number(day), []).append(day)
    return list(found.values())


def _rule_day(day: date, parts: dict[str, str], start: date) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    year = 366 if calendar.isleap(day.year) else 365
    of_year = day.timetuple().tm_yday
    checks = [
        ("BYMONTH", {day.month}),
        ("BYMONTHDAY", {day.day, day.day - length - 1}),
        ("BYYEARDAY", {of_year, of_year - year - 1}),
    ]
    if any(name in parts and not set(_numbers(parts, name)) & good for name, good in checks):
        return False
    if "BYWEEKNO" in parts and not _in_week(day, _numbers(parts, "BYWEEKNO")):
        return False
    if "BYDAY" in parts:
        return any(_is_day(day, word, parts) for word in parts["BYDAY"].split(","))
    return _as_it_began(day, parts, start)


def _in_week(day: date, numbers: list[int]) -> bool:
    """Weeks of ISO 8601 that belong to the day's own year; its last days may be in week 1 of the next."""
    year, number, _ = day.isocalendar()
    weeks = date(year, 12, 28).isocalendar()[1]
    return year == day.year and bool({number, number - weeks - 1} & set(numbers))


def _is_day(day: date, word: str, parts: dict[str, str]) -> bool:
    name, count = word[-2:], word[:-2]
    if WEEK[day.weekday()] != name:
        return False
    if not count:
        return True
    whole_year = parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts
    first = date(day.year, 1 if whole_year else day.month, 1)
    last = date(day.year, 12, 31) if whole_year else day.replace(day=calendar.monthrange(day.year, day.month)[1])
    same = [each for each in _days(first, last) if each.weekday() == day.weekday()]
    at = int(count)
    return abs(at) <= len(same) and same[at - 1 if at > 0 else at] == day


def _as_it_began(day: date, parts: dict[str, str], start: date) -> bool:
    """What is not said is as on the day from which it is counted."""
    if {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"} & set(parts):
        return True
    match parts["FREQ"]:
        case "DAILY":
            return True
        case "WEEKLY":
            return day.weekday() == start.weekday()
        case "MONTHLY":
            return day.day == start.day
        case _:
            return day.day == start.day and ("BYMONTH" in parts or day.month == start.month)
