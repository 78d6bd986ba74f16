"""Durations, as people write and read them: 1h30m in a file, "1 h 30 min" in a table, whole words in a sentence."""

import math
import re
from datetime import timedelta

from bot.domain.sentence import quoted

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SHORT = {"day": "d", "hour": "h", "minute": "min", "second": "s"}
DURATION = re.compile(r"(?:\d+[smhdw])+")


def parse_duration(text: str) -> timedelta:
    """Raises ValueError, with examples, for anything but 30s, 15m, 4h, 2d, 1w or several of these in a row."""
    if not DURATION.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a duration: expected for example 15m, 4h, 2d, 1w or 1h30m")
    parts = re.findall(r"(\d+)([smhdw])", text)
    try:
        return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    except OverflowError as error:
        raise ValueError(f"{quoted(text)} is too long a duration") from error


def written(time: timedelta) -> str:
    """As `parse_duration` reads it, in the largest unit that it is a whole number of: "2d", "90m"; to the second."""
    seconds = int(time.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def lasted(time: timedelta) -> str:
    """How long something took, in its two largest units, for tables and lists of facts: "1 h 12 min"."""
    return " ".join(f"{number} {SHORT[unit]}" for number, unit in _in_units(round(time.total_seconds())))


def in_words(time: timedelta) -> str:
    """As `lasted`, for sentences: "1 hour 12 minutes"."""
    return _spelt(round(time.total_seconds()))


def lasting(time: timedelta) -> str:
    """How long is left, or has been waited: as `in_words`, but rounded up, so that nothing is over too early."""
    return _spelt(math.ceil(time.total_seconds()))


def _spelt(seconds: int) -> str:
    return " ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in _in_units(seconds))


def _in_units(seconds: int) -> list[tuple[int, str]]:
    """The two largest units; of nothing, zero seconds."""
    minutes, seconds = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second")]
    first = next((index for index, (number, _) in enumerate(parts) if number), 3)
    return [part for part in parts[first : first + 2] if part[0]] or parts[3:]
