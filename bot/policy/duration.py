"""Durations in the policy file: 30s, 15m, 4h, 2d, 1h30m."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from bot.domain.duration import parse_duration


def _coerce(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError(f"{value!r} is not a duration: write its unit, for example 30s, 15m, 4h, 2d")


Duration = Annotated[timedelta, BeforeValidator(_coerce)]
