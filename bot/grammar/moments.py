"""Times as people type them: "2h", "18:00", "mon 08:00", "tomorrow 9am", "5pm on friday", "5 oct", "2026-10-05 08:00".

Every word of a time must be one that can only be meant as a time, so that what follows it ("until mon 08:00 INC-123")
is never read as part of it.
"""

import calendar
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from bot.domain.duration import UNITS
from bot.domain.errors import InvalidCommand

FARTHEST = timedelta(days=366)
LONG_PAST = timedelta(days=60)
"""A day without a year that was this long ago is meant next year; one that was lately is a mistake."""
MOST_WORDS = 7
MOST_CHARACTERS = 60
EXAMPLES = "Times look like `2h`, `18:00`, `mon 08:00`, `tomorrow 9am`, `5 oct` or `2026-10-05 08:00`."

UNTIL = ("until", "till", "til", "untill", "'til")
"""what only a time follows, in English"""

_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_LONG_UNIT = r"(?:hrs?|hours?|mins?|minutes?|days?|weeks?)"
_UNIT = rf"(?:w|d|h|m|s|secs?|seconds?|{_LONG_UNIT})"
_COUNTED = rf"(?:\d{{1,4}} ?{_UNIT}|(?:{'|'.join(_NUMBERS)}) {_LONG_UNIT})"
_SPAN = re.compile(rf"half an hour|(?:{_COUNTED}(?: (?:and )?|(?=\d)|$))+(?:a half)?")
_PART_OF_SPAN = re.compile(rf"(\d+|\b(?:{'|'.join(_NUMBERS)})\b) ?([wdhms])")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY = r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_NUMBER = r"\d{1,2}(?:st|nd|rd|th)?"
_CLOCK = (
    r"(?:[01]?\d|2[0-3]):[0-5]\d(?: ?[ap]m)?|(?:0?[1-9]|1[0-2]) ?[ap]m|(?:[01]?\d|2[0-3])h(?:[0-5]\d)?|noon|midnight"
)
_DATE = rf"\d{{4}}-\d\d-\d\d|{_NUMBER} (?:of )?{_MONTH}(?:,? \d{{4}})?|{_MONTH} (?:the )?{_NUMBER}(?:,? \d{{4}})?"
_ZONE = r"z|utc|gmt|(?:utc|gmt)[+-]\d{1,2}(?::\d\d)?|(?:utc|gmt)?[+-]\d\d(?::?\d\d)?"
_WHEN = rf"(?:(?P<word>today|tomorrow|yesterday)|(?P<day>{DAY})|(?P<date>{_DATE}))"
_DAY_FIRST = re.compile(rf"{_WHEN}?(?:(?:^|[ t]|,? (?:at )?)(?P<clock>{_CLOCK}))?(?: ?(?P<zone>{_ZONE}))?", re.ASCII)
_CLOCK_FIRST = re.compile(rf"(?P<clock>{_CLOCK})(?: ?(?P<zone>{_ZONE}))?,? (?:on )?{_WHEN}", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_DAYS_OFF = {"tomorrow": 1, "yesterday": -1}
_NAMED = {"noon": (12, 0), "midnight": (0, 0)}


def split(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The longest beginning that is a time, and the words behind it; "" when there is none."""
    for length in range(min(MOST_WORDS, len(words)), 0, -1):
        text = plain(" ".join(words[:length]).rstrip(":,"))
        if len(text) <= MOST_CHARACTERS and (_SPAN.fullmatch(text) or _reads(text)):
            return text, tuple(words[length:])
    return "", tuple(words)


def is_time(text: str) -> bool:
    """Whether it can be read as one, whatever moment it means by then."""
    found, behind = split(plain(text).removeprefix("until ").removeprefix("for ").split())
    return bool(found) and not behind


def moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The next moment that the words mean (UTC), on the wall clock of `zone` where they name no other.

    Behind `until`, "17h" is a clock; else it is a number of hours. Raises InvalidCommand for what is no time, what is
    past, and what is more than a year away.
    """
    said = plain(text)
    clock = said.removeprefix("until ")
    try:
        span = None if clock != said and re.fullmatch(_CLOCK, clock) else _span(clock.removeprefix("for "), now)
        found = span or _moment(clock, now.astimezone(zone))
    except (ValueError, OverflowError):  # a day that the month does not have, a year that the calendar does not have
        found = None
    if found is None:
        raise InvalidCommand(f"`{text[:60]}` is not a time. {EXAMPLES}")
    if found <= now:
        raise InvalidCommand(f"`{text[:60]}` is in the past: give a time that is still to come. {EXAMPLES}")
    if found > now + FARTHEST:
        raise InvalidCommand(f"`{text[:60]}` is more than a year away. {EXAMPLES}")
    return found


def plain(text: str) -> str:
    """In small letters, and without the dots of abbreviations: "Mon. 5 p.m."."""
    return re.sub(r"(?<=[a-z])\.(?= |$)", "", re.sub(r"\b([ap])\.m\b", r"\1m", " ".join(text.lower().split())))


def is_clock(text: str) -> bool:
    """Whether it is a clock alone: "17:00", "5pm", "17h"."""
    return re.fullmatch(_CLOCK, text.lower(), re.ASCII) is not None


def is_span(text: str) -> bool:
    return len(text) <= MOST_CHARACTERS and _SPAN.fullmatch(text.lower()) is not None


def _span(text: str, now: datetime) -> datetime | None:
    if not is_span(text):
        return None
    if text.startswith("half"):
        return now + timedelta(minutes=30)
    parts = [
        timedelta(**{UNITS[unit]: _NUMBERS.get(number) or int(number)})
        for number, unit in _PART_OF_SPAN.findall(text.removesuffix("a half"))
    ]
    half = parts[-1] / 2 if text.endswith("a half") and parts[-1] else timedelta()
    return now + min(sum(parts, half), 2 * FARTHEST)


def _reads(text: str) -> re.Match[str] | None:
    match = _DAY_FIRST.fullmatch(text) or _CLOCK_FIRST.fullmatch(text)
    if match and _looks_like_a_range(match):
        return None
    return match if match and any(match[part] for part in ("word", "day", "date", "clock")) else None


def _looks_like_a_range(match: re.Match[str]) -> bool:
    """ "17:00-18:00" is from one to the other; behind a date, as machines write them, it is an offset."""
    return (match["zone"] or "").startswith("-") and not _ISO.fullmatch(match["date"] or "")


def _moment(text: str, now: datetime) -> datetime | None:
    """`now` is on the wall clock that is meant. Raises ValueError and OverflowError for days that do not exist."""
    match = _reads(text)
    if match is None:
        return None
    hour, minute = _hour(match["clock"] or "midnight")
    zone = _zone(match["zone"]) if match["zone"] else now.tzinfo
    here = now.astimezone(zone)
    day = _day(match, here.replace(tzinfo=None))
    found = day.replace(hour=hour, minute=minute, tzinfo=zone)
    if found.astimezone(UTC) <= now.astimezone(UTC):
        found = _when_it_comes_again(match, found, now)
    return found.astimezone(UTC)


def _day(match: re.Match[str], today: datetime) -> datetime:
    """The day, on a wall clock without a zone."""
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if match["day"]:
        return midnight + timedelta(days=(_DAYS.index(match["day"][:3]) - midnight.weekday()) % 7)
    if match["date"]:
        return _date(match["date"], midnight)
    return midnight + timedelta(days=_DAYS_OFF.get(match["word"] or "", 0))


def _date(text: str, today: datetime) -> datetime:
    if iso := _ISO.fullmatch(text):
        return today.replace(year=int(iso[1]), month=int(iso[2]), day=int(iso[3]))
    month = next(word for word in re.findall(r"[a-z]+", text) if word[:3] in _MONTHS)
    day, *year = (int(number) for number in re.findall(r"\d+", text))
    number = _MONTHS.index(month[:3]) + 1
    leap = not year and (number, day) == (2, 29) and not calendar.isleap(today.year)
    return today.replace(year=year[0] if year else today.year + leap, month=number, day=day)


def _hour(clock: str) -> tuple[int, int]:
    if clock in _NAMED:
        return _NAMED[clock]
    hour, *minute = (int(number) for number in re.findall(r"\d+", clock))
    if clock.endswith("m"):
        if not 1 <= hour <= 12:  # "13:00 pm"
            raise ValueError(clock)
        hour = hour % 12 + (12 if clock.endswith("pm") else 0)
    return hour, minute[0] if minute else 0


def _zone(text: str) -> timezone:
    digits = re.sub(r"\D", "", text)
    hours, minutes = int(digits[:2] or 0), int(digits[2:] or 0)
    if hours > 14 or minutes > 59:
        raise ValueError(text)
    return timezone((-1 if "-" in text else 1) * timedelta(hours=hours, minutes=minutes))


def _when_it_comes_again(match: re.Match[str], found: datetime, now: datetime) -> datetime:
    """A clock alone means the next day when it is past; a day of the week, the next week; a day of the year, the next
    year, unless it was lately.
    """
    if match["day"]:
        return found + timedelta(days=7)
    if match["date"] and not re.search(r"\d{4}", match["date"]) and found < now - LONG_PAST:
        return found.replace(year=found.year + 1)
    if match["date"] or match["word"]:
        return found
    return found + timedelta(days=1)
