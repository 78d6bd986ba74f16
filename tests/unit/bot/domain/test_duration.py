"""Durations are read as they are written, and told in two units."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.duration import lasted, lasting, parse_duration, written


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_as_the_same(seconds: int) -> None:
    time = timedelta(seconds=seconds)
    assert parse_duration(written(time)) == time


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800)])
def test_units_add_up(text: str, seconds: int) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "1.5h", "1h 30m", "-1h", "9999999999999999w"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "took", "left"),
    [
        (-5, "0 s", "0 s"),
        (0.4, "0 s", "1 s"),
        (59.6, "1 min", "1 min"),
        (4320, "1 h 12 min", "1 h 12 min"),
        (4320.2, "1 h 12 min", "1 h 12 min"),
        (90_061, "1 d 1 h", "1 d 1 h"),
        (3605, "1 h", "1 h"),
    ],
)
def test_the_two_largest_units_are_told(seconds: float, took: str, left: str) -> None:
    time = timedelta(seconds=seconds)
    assert (lasted(time), lasting(time)) == (took, left)
