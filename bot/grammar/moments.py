"""Times as people type them: "2h", "18:00", "mon 08:00", "tomorrow 9am", "5 oct", "2026-10-05 08:00".

Every word of a time must be one that can only be meant as a time, so that what follows it ("until mon 08:00 INC-123")
is never read as part of it.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from dateutil import parser

from bot.domain.errors import InvalidCommand

FARTHEST = timedelta(days=366)
MOST_WORDS = 5
EXAMPLES = "Times look like `2h`, `18:00`, `mon 08:00`, `tomorrow 9am`, `5 oct` or `2026-10-05 08:00`."

_SPAN = re.compile(r"(?:\d{1,4} ?(?:w|d|h|m|s|min|mins|hours?|minutes?|days?|weeks?) ?)+")
_PART_OF_SPAN = re.compile(r"(\d+) ?([wdhms])")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DAY = r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_NUMBER = r"\d{1,2}(?:st|nd|rd|th)?"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?: ?[ap]m)?|(?:0?[1-9]|1[0-2]) ?[ap]m|noon|midnight"
_DATE = rf"\d{{4}}-\d\d-\d\d|{_NUMBER} {_MONTH}(?: \d{{4}})?|{_MONTH} {_NUMBER}(?: \d{{4}})?"
_ZONE = r"z|utc|[+-]\d\d:?\d\d"
_MOMENT = re.compile(
    rf"(?:(?P<word>today|tomorrow|yesterday)|(?P<day>{_DAY})|(?P<date>{_DATE}))?"
    rf"(?:(?:^|[ t]|\b at )(?P<clock>{_CLOCK}))?(?: ?(?P<zone>{_ZONE}))?"
)
_DAYS_OFF = {"tomorrow": 1, "yesterday": -1}
_NAMED = {"noon": "12:00", "midnight": "00:00"}


def split(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The longest beginning that is a time, and the words behind it; "" when there is none."""
    for length in range(min(MOST_WORDS, len(words)), 0, -1):
        text = " ".join(words[:length]).rstrip(":,").lower()
        if _SPAN.fullmatch(text) or _reads(text):
            return text, tuple(words[length:])
    return "", tuple(words)


def moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The next moment that the words mean (UTC), on the wall clock of `zone` where they name no other.

    Raises InvalidCommand for what is no time, what is past, and what is more than a year away.
    """
    said = " ".join(text.lower().split())
    found = _span(said, now) or _moment(said, now.astimezone(zone))
    if found is None:
        raise InvalidCommand(f"`{text[:60]}` is no time. {EXAMPLES}")
    if found <= now:
        raise InvalidCommand(f"`{text[:60]}` is in the past: give a time that is still to come. {EXAMPLES}")
    if found > now + FARTHEST:
        raise InvalidCommand(f"`{text[:60]}` is more than a year away. {EXAMPLES}")
    return found


def _span(text: str, now: datetime) -> datetime | None:
    if not _SPAN.fullmatch(text):
        return None
    parts = [timedelta(**{_UNITS[unit]: int(number)}) for number, unit in _PART_OF_SPAN.findall(text)]
    return now + min(sum(parts, timedelta()), 2 * FARTHEST)


def _reads(text: str) -> re.Match[str] | None:
    match = _MOMENT.fullmatch(text)
    return match if match and any(match[part] for part in ("word", "day", "date", "clock")) else None


def _moment(text: str, now: datetime) -> datetime | None:
    """`now` is on the wall clock that is meant."""
    match = _reads(text)
    if match is None:
        return None
    clock = _NAMED.get(match["clock"] or "", match["clock"] or "00:00")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    try:
        offset = f" {match['zone'].upper()}" if match["zone"] else ""
        found = parser.parse(f"{match['day'] or match['date'] or ''} {clock}{offset}", default=today)
    except (parser.ParserError, OverflowError):
        return None
    found += timedelta(days=_DAYS_OFF.get(match["word"] or "", 0))
    if found <= now:
        found += _until_it_comes_again(match)
    return found.astimezone(UTC)


def _until_it_comes_again(match: re.Match[str]) -> timedelta:
    """A clock alone means the next day when it is past; a day of the week, the next week."""
    if match["day"]:
        return timedelta(days=7)
    if match["date"] or match["word"]:
        return timedelta()
    return timedelta(days=1)
