"""Times in words, asked late, asked twice, and asked by who may not: a start never comes sooner than its words say, and
an end never later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller
from bot.domain.errors import Conflict, InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context, Deploy, ShowSchedule, Wish
from bot.domain.promotion import Promotion
from bot.domain.queueing import Waiting
from bot.policy import parse
from bot.promotions.promotions import Claim, Promotions
from bot.promotions.queue import PromotionQueue
from bot.promotions.schedule import id_of
from bot.promotions.scheduler import Scheduler
from bot.router.buttons import read_button
from bot.safety.times import TimeReader
from bot.views.ids import Action, PromotionValue, encode
from bot.workflow.service import PromotionService
from tests.fakes.clock import StillClock
from tests.fakes.command_harness import CommandHarness
from tests.fakes.directory import FakeDirectory
from tests.fakes.queues import delivered
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
        await world.core.schedule.cancel(asked.cancel, await world.person(who), world.context())
    assert await world.core.queue.store.all()
    await world.core.schedule.cancel(asked.cancel, await world.person("ana"), world.context())
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


@dataclass
class Interrupted:
    """The promotions, where something happens right before, or right after, one of the queue's is begun."""

    service: PromotionService
    before: Callable[[], Awaitable[object]] | None = None
    after: Callable[[], Awaitable[object]] | None = None

    async def start(self, wish: Wish, caller: Caller, claim: Claim | None = None) -> Promotion:
        async def claimed(connection: AsyncConnection) -> None:
            assert claim
            await claim(connection)

        if self.before:
            await self.before()
        promotion = await self.service.start(wish, caller, claimed)
        if self.after:
            await self.after()
        return promotion


def due(world: CoreWorld, one: Waiting, promotions: Interrupted) -> PromotionQueue:
    """The queue, when its time has come."""
    start = one.wish.start_at
    assert start
    return replace(
        world.core.queue, clock=lambda: start + timedelta(minutes=1), promotions=cast("Promotions", promotions)
    )


@pytest.mark.parametrize("who", ["ana", "dee"])
async def test_what_is_cancelled_while_it_is_planned_does_not_start(world: CoreWorld, who: str) -> None:
    """Several are started one after the other: of a later one it may be many seconds."""
    one, canceller = await waiting(world), await world.person(who)
    cancel = partial(world.core.schedule.cancel, id_of(one), canceller, world.context())
    assert await due(world, one, Interrupted(world.service, before=cancel)).start_next() == 0
    assert await world.store.history("", "", 5) == ()
    assert await world.core.queue.store.all() == ()


async def test_what_has_started_is_not_said_to_be_cancelled(world: CoreWorld) -> None:
    one, ana = await waiting(world), await world.person("ana")

    async def cancel() -> None:
        with pytest.raises(Conflict, match=rf"has just started. `/abort {id_of(one)}` stops it"):
            await world.core.schedule.cancel(id_of(one), ana, world.context())

    assert await due(world, one, Interrupted(world.service, after=cancel)).start_next() == 1
    assert [promotion.id for promotion in await world.store.all_live()] == [id_of(one)]
    await delivered(world.core.outbox)
    told = [message.key for message in world.messenger.in_channel("D0ANA")]
    assert f"started:{id_of(one)}" in told


async def test_what_is_asked_for_anew_while_it_is_planned_starts_as_it_was_asked_for_last(world: CoreWorld) -> None:
    one = await waiting(world)
    later = replace(one, wish=replace(one.wish, context=world.context(), reason="another one"))
    queue = due(world, one, Interrupted(world.service, before=partial(world.core.queue.add, later, None)))
    assert await queue.start_next() == 0
    assert [waits.wish.reason for waits in await world.core.queue.store.all()] == ["another one"]
    assert await replace(queue, promotions=world.service).start_next() == 1
    (promotion,) = await world.store.all_live()
    assert promotion.plan.reason == "another one"


async def test_two_replicas_start_it_once_and_cancel_it_once(world: CoreWorld) -> None:
    one, ana = await waiting(world), await world.person("ana")
    queues = [due(world, one, Interrupted(world.service)) for _ in range(2)]
    cancels = [world.core.schedule.cancel(id_of(one), ana, world.context()) for _ in range(2)]
    await asyncio.gather(*(queue.start_next() for queue in queues), *cancels, return_exceptions=True)
    cancelled = [row for row in await world.audit.rows() if row.event == "unscheduled"]
    assert len(cancelled) + len(await world.store.all_live()) == 1
