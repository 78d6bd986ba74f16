"""Times in words, asked late, asked twice, and asked by who may not: a start never comes sooner than its words say, and
an end never later.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context, Deploy, ShowSchedule
from bot.domain.queueing import Waiting
from bot.policy import parse
from bot.promotions.schedule import id_of
from bot.promotions.scheduler import Scheduler
from bot.router.buttons import read_button
from bot.safety.times import TimeReader
from bot.views.ids import Action, PromotionValue, encode
from tests.fakes.clock import StillClock
from tests.fakes.command_harness import CommandHarness
from tests.fakes.directory import FakeDirectory
from tests.fakes.world import CoreWorld
from tests.unit.commands.conftest import harness

__all__ = ["harness"]

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


@pytest.mark.parametrize(
    ("words", "age", "end"),
    [
        ("tomorrow", 60, datetime(2026, 12, 2, tzinfo=UTC)),
        ("tomorrow 9:00", 60, datetime(2026, 12, 2, 9, tzinfo=UTC)),
        ("fri", 60, datetime(2026, 12, 4, tzinfo=UTC)),
        ("2h", 60, datetime(2026, 12, 2, 1, 59, 30, tzinfo=UTC)),
    ],
)
async def test_what_ends_is_meant_from_when_it_was_said_too(words: str, age: float, end: datetime) -> None:
    """A day longer would lend somebody's voice for a day that they never gave."""
    times, ana = TimeReader(parse(""), StillClock(MIDNIGHT)), await FakeDirectory.seeded().caller("U0ANA")
    said = Context("r1", "", "c1", age=age)
    if end <= MIDNIGHT:
        with pytest.raises(InvalidCommand, match="has passed since you asked"):
            times.end(words, ana, said)
    else:
        assert times.end(words, ana, said) == times.end_if_any(words, ana, said) == end


@pytest.mark.parametrize(
    "line",
    [
        "/delegate <@U0ANA|ana> for 2h",
        "/lock my-app prod for 2h a migration",
        "/pilothouse mute my-app here for 2h",
        "/freeze my-app prod for 2h the sale",
    ],
)
async def test_whatever_ends_ends_as_it_was_said_however_late_it_is_worked_on(
    harness: CommandHarness, line: str
) -> None:
    late, now = timedelta(minutes=20), datetime.now(UTC)
    said = Context("r1", "C0TEAM", "c", "T0PILOT", age=late.total_seconds())
    await harness.run(await harness.read(line, said), "U0DEE" if line.startswith("/freeze") else "U0BO")
    stores = harness.safety.stores
    lock = await stores.locks.held("my-app", "production")
    ends = [lock.expires_at if lock else None, *(one.until for one in await stores.delegations.all())]
    ends += [one.until for one in await stores.freezes.all()]
    (end,) = filter(None, [*ends, *(one.until for one in await stores.subscriptions.muted(0.0))])
    assert now + timedelta(hours=1) < end < now + timedelta(hours=2)


async def waiting(world: CoreWorld) -> Waiting:
    """ana's, for tomorrow."""
    wish = Deploy(context=world.context(), app="my-app", environment="production", at="tomorrow 9:00")
    ana = await world.person("ana")
    timed = TimeReader(world.core.policy, world.core.clock).timed(wish, ana)
    await Scheduler(world.service, world.core.queue, world.core.clock).start(timed, ana)
    (one,) = await world.core.queue.store.all()
    return one


def press(value: str) -> ShowSchedule:
    asked = read_button({"action_id": str(Action.UNSCHEDULE), "value": value}, Context("r2", "C0DEPLOY", "c1"))
    assert isinstance(asked, ShowSchedule)
    return asked


@pytest.mark.parametrize("who", ["cy", "gus", "bo"])
async def test_nobody_else_cancels_it(world: CoreWorld, who: str) -> None:
    asked = press(encode(PromotionValue(id_of(await waiting(world)), "")))
    with pytest.raises((NotAllowed, UnknownName)):
        await world.core.schedule.cancel(asked.cancel, await world.person(who))
    assert await world.core.queue.store.all()
    await world.core.schedule.cancel(asked.cancel, await world.person("ana"))
    assert not await world.core.queue.store.all()
    assert not await world.store.all_live()


@pytest.mark.parametrize(
    "value",
    ["{}", "[]", "null", "x", '{"p":1,"h":""}', '{"p":"p-1"}', '{"p":"p-1","h":"","x":"1"}', '{"p":null,"h":""}'],
)
def test_what_no_cancel_button_carries_is_refused(value: str) -> None:
    with pytest.raises(InvalidCommand):
        press(value)


async def test_it_starts_with_the_rights_of_that_moment(world: CoreWorld) -> None:
    """Asked with the right to promote, which is gone when the time comes."""
    start = (await waiting(world)).wish.start_at
    assert start
    world.directory.groups["S0ENG", "engineers"] = frozenset()
    queue = replace(world.core.queue, clock=lambda: start + timedelta(minutes=1))
    assert await queue.start_next() == 0
    assert not await world.store.all_live()
    assert not await world.core.queue.store.all()
