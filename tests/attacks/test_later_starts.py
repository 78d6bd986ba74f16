"""Times in words, asked late, asked twice, and asked by who may not: a start never comes sooner than its words say."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import InvalidCommand
from bot.domain.intent import Context, Deploy
from bot.policy import parse
from bot.safety.times import TimeReader
from tests.fakes.clock import StillClock
from tests.fakes.directory import FakeDirectory

MIDNIGHT = datetime(2026, 12, 2, 0, 0, 30, tzinfo=UTC)
"""half a minute into Wednesday; what was said before was said on Tuesday"""


@pytest.mark.parametrize(
    ("words", "age", "start"),
    [
        ("tomorrow 9:00", 0, datetime(2026, 12, 3, 9, tzinfo=UTC)),
        ("tomorrow 9:00", 60, datetime(2026, 12, 2, 9, tzinfo=UTC)),
        ("wednesday 9:00", 60, datetime(2026, 12, 2, 9, tzinfo=UTC)),
        ("wed 0:00", 60, datetime(2026, 12, 2, 0, tzinfo=UTC)),
        ("0:00", 60, datetime(2026, 12, 2, 0, tzinfo=UTC)),
        ("0:00", 0, datetime(2026, 12, 3, 0, tzinfo=UTC)),
        ("2h", 60, datetime(2026, 12, 2, 1, 59, 30, tzinfo=UTC)),
    ],
)
async def test_a_time_is_meant_from_when_it_was_said(words: str, age: float, start: datetime) -> None:
    """However long the bot was away meanwhile: "tomorrow" said before midnight is today by now."""
    times, ana = TimeReader(parse(""), StillClock(MIDNIGHT)), await FakeDirectory.seeded().caller("U0ANA")
    wish = Deploy(context=Context("r1", "", "c1", age=age), app="my-app", environment="production", at=words)
    assert times.timed(wish, ana).start_at == start


async def test_what_was_past_when_it_was_said_is_refused() -> None:
    times, ana = TimeReader(parse(""), StillClock(MIDNIGHT)), await FakeDirectory.seeded().caller("U0ANA")
    with pytest.raises(InvalidCommand, match="in the past"):
        times.read("today 0:00", ana)
    assert times.read("2026-12-02 0:00", ana, timedelta(minutes=1).total_seconds())
