"""Durations as people write them in the policy file: 30s, 15m, 4h, 2d, 1h30m."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DURATION = re.compile(r"(?:\d+[smhdw])+")


def parse_duration(text: str) -> timedelta:
    """Raises ValueError, with examples, for anything else."""
    if not DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration: expected 30s, 15m, 4h, 2d or 1h30m")
    parts = re.findall(r"(\d+)([smhdw])", text)
    try:
        return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long a duration") from error


def _coerce(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError(f"{value!r} is not a duration: write its unit, as in 30s, 15m, 4h, 2d")


Duration = Annotated[timedelta, BeforeValidator(_coerce)]
