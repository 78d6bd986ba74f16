"""Durations are read as they are written, and told in two units."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.duration import in_words, lasted, lasting, parse_duration, written


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
    ("seconds", "short", "words", "left"),
    [
        (-5, "0 s", "0 seconds", "0 seconds"),
        (0.4, "0 s", "0 seconds", "1 second"),
        (59.6, "1 min", "1 minute", "1 minute"),
        (4320, "1 h 12 min", "1 hour 12 minutes", "1 hour 12 minutes"),
        (4320.2, "1 h 12 min", "1 hour 12 minutes", "1 hour 12 minutes"),
        (90_061, "1 d 1 h", "1 day 1 hour", "1 day 1 hour"),
        (172_802, "2 d", "2 days", "2 days"),
        (3605, "1 h", "1 hour", "1 hour"),
    ],
)
def test_the_two_largest_units_are_told(seconds: float, short: str, words: str, left: str) -> None:
    time = timedelta(seconds=seconds)
    assert (lasted(time), in_words(time), lasting(time)) == (short, words, left)
