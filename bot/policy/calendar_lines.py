"""What is wrong with a line of a calendar, and what to write instead, before a library reads it in its own way.

dateutil drops what it does not like (`BYMONTHDAY=0`), takes the last of two equal parts and guesses dates; cronsim only
names the field that is wrong.
"""

import re
from collections.abc import Callable, Mapping, Sequence

EXAMPLE = "for example `FREQ=WEEKLY;BYDAY=FR`"
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NAMES = (
    "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "january", "february", "march",
    "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORTCUTS = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * SUN",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_FIELDS: Sequence[tuple[str, int, int, Sequence[str]]] = (
    ("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day of month", 1, 31, ()), ("month", 1, 12, MONTHS),
    ("day of week", 0, 6, DAYS),
)  # fmt: skip
_UNTIL = re.compile(r"\d{8}(?:T\d{6}Z?)?", re.ASCII)
_BYDAY = re.compile(r"([+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


def _whole(value: str, low: int, high: int) -> bool:
    return re.fullmatch(r"[+-]?\d{1,5}", value, re.ASCII) is not None and low <= int(value) <= high


def _from(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: _whole(value, low, high)


def _either_way(high: int) -> Callable[[str], bool]:
    return lambda value: _whole(value, 1, high) or _whole(value, -high, -1)


_PARTS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "FREQ": (lambda value: value in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY"), "YEARLY, MONTHLY, WEEKLY or DAILY"),
    "INTERVAL": (_from(1, 1000), "1 to 1000"),
    "COUNT": (_from(1, 99999), "1 or more"),
    "UNTIL": (lambda value: _UNTIL.fullmatch(value) is not None, "20271231T235959Z or 20271231"),
    "WKST": (lambda value: value in ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), "MO, TU, WE, TH, FR, SA or SU"),
    "BYSECOND": (_from(0, 59), "0 to 59"),
    "BYMINUTE": (_from(0, 59), "0 to 59"),
    "BYHOUR": (_from(0, 23), "0 to 23"),
    "BYDAY": (lambda value: _BYDAY.fullmatch(value) is not None, "MO, TU, WE, TH, FR, SA or SU"),
    "BYWEEKDAY": (lambda value: _BYDAY.fullmatch(value) is not None, "MO, TU, WE, TH, FR, SA or SU"),
    "BYMONTHDAY": (_either_way(31), "1 to 31, or -1 for the last"),
    "BYYEARDAY": (_either_way(366), "1 to 366, or -1 for the last"),
    "BYWEEKNO": (_either_way(53), "1 to 53, or -1 for the last"),
    "BYMONTH": (_from(1, 12), "1 to 12"),
    "BYSETPOS": (_either_way(366), "1 to 366, or -1 for the last"),
    "BYEASTER": (_from(-366, 366), "-366 to 366"),
}
_SINGLE = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST")


def check_rule(line: str) -> None:
    """Raises ValueError for an RRULE (RFC 5545, in capitals, without DTSTART) that cannot be meant."""
    if "\n" in line.strip() or re.match(r"(?!RRULE:)[A-Z-]+[:;]", line):
        raise ValueError("expected DTSTART, if you need it, and one RRULE: give other rules windows of their own")
    seen: dict[str, str] = {}
    for part in line.removeprefix("RRULE:").rstrip(";").split(";"):
        name, equals, value = (text.strip() for text in part.partition("="))
        if not equals or name not in _PARTS:
            raise ValueError(f"{part.strip()[:40]!r} is not a part of an RRULE: write one {EXAMPLE}")
        if name in seen:
            raise ValueError(f"{name} is given twice: keep one")
        seen[name] = value
        _check_part(name, value)
    if "FREQ" not in seen:
        raise ValueError(f"it does not say how often: begin with FREQ, {EXAMPLE}")
    if seen["FREQ"] in ("WEEKLY", "DAILY") and re.search(r"\d", seen.get("BYDAY", "")):
        raise ValueError(f"BYDAY={seen['BYDAY']} counts the days of a month or year, and FREQ is {seen['FREQ']}")


def _check_part(name: str, value: str) -> None:
    good, expected = _PARTS[name]
    for each in [value] if name in _SINGLE else value.split(","):
        if not good(each.strip()):
            raise ValueError(f"{name}={each.strip()[:40]} cannot be: give {expected}")


def instead_of_cron(line: str) -> str:
    """What to write instead of a cron line that cannot be read, as ": write FRI,SAT,SUN"; "" where nobody knows."""
    words = line.split()
    if words and words[0].lower() in _SHORTCUTS:
        return f": write `{_SHORTCUTS[words[0].lower()]}`"
    if words and "TZ=" in words[0].upper():
        return ": give the time zone as `timezone`"
    if len(words) != len(_FIELDS):
        return ""
    for text, (name, low, high, names) in zip(words, _FIELDS, strict=True):
        better = [_better(part, low, high, names) for part in text.split(",")]
        if better != text.split(","):
            return f": write {','.join(better)} for the {name}"
    return ""


def _better(part: str, low: int, high: int, names: Sequence[str]) -> str:
    """A part of a field as cron reads it: names of three letters, `*` for `?`, ranges that do not go around."""
    if part == "?":
        return "*"
    ends = [_short(end, names) for end in part.split("-")]
    begin, end = (_number(ends[0], low, names), _number(ends[-1], low, names))
    if len(ends) != 2 or begin is None or end is None or begin <= end:
        return "-".join(ends)
    if not names:
        return f"{begin}-{high},{low}-{end}"
    numbers = [*range(begin, high + 1), *range(low, end + 1)]
    return ",".join(names[number - low] if ends[0] in names else str(number) for number in numbers)


def _short(word: str, names: Sequence[str]) -> str:
    """ "friday" is FRI."""
    known = any(name.startswith(word.lower()) for name in _NAMES) and word.upper()[:3] in names
    return word.upper()[:3] if known and len(word) > 2 else word


def _number(word: str, low: int, names: Sequence[str]) -> int | None:
    if word in names:
        return names.index(word) + low
    return int(word) if re.fullmatch(r"\d{1,2}", word, re.ASCII) else None
