"""Later: at a time, or when nothing holds it any more. Asked once; every gate is asked again then."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.caller import Caller, Person
from bot.domain.errors import NotAllowed, UnknownName, UserError
from bot.domain.intent import Deploy, IfBusy
from bot.domain.promotion import Following, Phase, Progress, Stage
from bot.domain.reply import Postponed, Queued, Scheduled, Started, Unhindered
from bot.domain.safety import Freeze, Lock
from bot.promotions.queue import OPEN_PATIENCE, PromotionQueue
from bot.promotions.schedule import Schedule, id_of
from bot.promotions.scheduler import Scheduler
from bot.router.buttons import read_button
from bot.store.freezes import FreezeStore
from bot.views import render
from tests.fakes.directory import FakeDirectory
from tests.fakes.queues import delivered
from tests.fakes.world import POLICY, CoreWorld, core_world
from tests.sentences import says
from tests.views.reading import lines

DEE = Person("U0DEE", "dee")


@dataclass
class Plans:
    world: CoreWorld
    queue: PromotionQueue
    now: datetime

    async def ask(self, who: str = "ana", **changes: object) -> object:
        wish = Deploy(context=self.world.context(), app="my-app", environment="production")
        wish = replace(wish, **changes)  # type: ignore[arg-type]
        reply = await Scheduler(self.world.service, self.queue).start(wish, await self.world.person(who))
        await self.world.engine.settle()
        return reply

    async def after(self, time: timedelta) -> int:
        self.now += time
        started = await self.queue.start_next()
        await self.world.engine.settle()
        return started

    async def told(self, user: str) -> list[str]:
        await delivered(self.world.core.outbox)
        return [message.shown.text for message in self.world.messenger.in_channel(f"D{user[1:]}")]

    @property
    def schedule(self) -> Schedule:
        world = self.world
        return Schedule(world.core.ledger, self.queue.store, world.audit, world.steps.policy, world.store)

    async def lock(self) -> None:
        async with self.world.database.begin() as connection:
            await self.world.locks.take(connection, Lock("my-app", "production", DEE, "audit", datetime.now(UTC)))

    async def unlock(self) -> None:
        async with self.world.database.begin() as connection:
            await self.world.locks.release(connection, "my-app", "production")


async def open_plans(world: CoreWorld) -> Plans:
    plans = Plans(world, world.core.queue, datetime.now(UTC))
    plans.queue = replace(world.core.queue, clock=lambda: plans.now)
    return plans


@pytest.fixture
async def plans(tmp_path: Path) -> AsyncIterator[Plans]:
    async with core_world(tmp_path) as world:
        yield await open_plans(world)


async def test_at_its_time_it_starts_and_asks_as_ever(plans: Plans) -> None:
    at = plans.now + timedelta(hours=2)
    assert isinstance(await plans.ask(start_at=at), Postponed)
    assert await plans.after(timedelta(hours=1)) == 0
    assert not any("starts" in text for text in await plans.told("U0ANA"))
    assert await plans.after(timedelta(minutes=52)) == 0
    assert await plans.after(timedelta(minutes=1)) == 0
    assert sum("⏰" in text for text in await plans.told("U0ANA")) == 1  # told once that it starts soon
    assert await plans.world.store.live("my-app", "production") is None
    assert await plans.after(timedelta(minutes=8)) == 1
    live = await plans.world.store.live("my-app", "production")
    assert live
    assert (live.stage, live.plan.requester.name) == (Stage.APPROVAL, "ana")


async def test_who_asks_again_hears_which_earlier_request_no_longer_starts(plans: Plans) -> None:
    first, again = plans.now + timedelta(hours=2), plans.now + timedelta(hours=14)
    earlier = await plans.ask(start_at=first)
    assert isinstance(earlier, Postponed)
    later = await plans.ask(start_at=again)
    assert isinstance(later, Postponed)
    assert later.instead_of
    assert later.instead_of.wish.start_at == first
    assert [one.wish.start_at for one in await plans.queue.store.all()] == [again]
    same = await plans.ask(start_at=again)
    assert isinstance(same, Postponed)
    assert same.instead_of is None  # nothing is lost: it asked for the same


async def test_who_queues_hears_which_start_is_lost_by_it_and_nobody_loses_what_others_asked_for(plans: Plans) -> None:
    assert isinstance(await plans.ask("bo"), Started)
    assert isinstance(await plans.ask("mia", start_at=plans.now + timedelta(hours=2)), Postponed)
    at = plans.now + timedelta(hours=3)
    asked = await plans.ask(start_at=at)
    assert isinstance(asked, Postponed)
    assert asked.instead_of is None
    queued = await plans.ask(if_busy=IfBusy.QUEUE)
    assert isinstance(queued, Queued)
    assert queued.instead_of
    assert (queued.instead_of.user, queued.instead_of.wish.start_at) == ("U0ANA", at)


async def test_what_nothing_holds_starts_at_once(plans: Plans) -> None:
    assert isinstance(await plans.ask(when_open=True), Started)


async def test_it_starts_when_the_lock_is_gone(plans: Plans) -> None:
    await plans.lock()
    assert isinstance(await plans.ask(when_open=True), Postponed)
    assert await plans.after(timedelta(minutes=5)) == 0
    await plans.unlock()
    assert await plans.after(timedelta(seconds=10)) == 0  # it was looked at just now
    assert await plans.after(timedelta(minutes=1)) == 1


async def test_who_only_wants_to_hear_of_it_gets_a_message_and_a_button_and_nothing_starts(plans: Plans) -> None:
    await plans.lock()
    asked = await plans.ask(when_open=True, notify=True)
    assert isinstance(asked, Postponed)
    assert says(render(asked).text, "the lock gate", "Nothing starts")
    assert isinstance(await plans.ask(when_open=True), Postponed)  # both may wait
    assert len(await plans.queue.store.all()) == 2
    await plans.unlock()
    await plans.schedule.cancel(
        id_of((await plans.queue.store.all())[1]), await plans.world.person("ana"), plans.world.context()
    )
    assert await plans.after(timedelta(minutes=2)) == 0
    [told] = await plans.told("U0ANA")
    assert told == "🔔 Nothing holds *my-app → production · v1.4.1 → v1.4.2* back now."
    assert await plans.world.store.live("my-app", "production") is None
    assert not await plans.queue.store.all()
    [message] = plans.world.messenger.in_channel("D0ANA")
    [press] = [one for block in message.shown.blocks for one in block.get("elements", ())]
    wish = read_button(press, plans.world.context())
    assert isinstance(wish, Deploy)
    assert (wish.when_open, wish.notify) == (False, False)
    started = await Scheduler(plans.world.service, plans.queue).start(wish, await plans.world.person("ana"))
    assert isinstance(started, Started)


async def test_one_hears_that_another_promotion_has_ended_and_holds_up_nobody(plans: Plans) -> None:
    first = await plans.ask("bo")
    assert isinstance(first, Started)
    asked = await plans.ask(when_open=True, notify=True)
    assert "another promotion does" in render(asked).text  # type: ignore[arg-type]
    assert await plans.after(timedelta(minutes=2)) == 0
    assert not await plans.told("U0ANA")
    await plans.world.abort("bo", first.promotion)
    await plans.world.engine.settle()
    assert await plans.after(timedelta(minutes=2)) == 0
    assert len(await plans.told("U0ANA")) == 1


async def test_who_asks_to_hear_of_what_nothing_holds_hears_it_at_once(plans: Plans) -> None:
    asked = await plans.ask(when_open=True, notify=True)
    assert isinstance(asked, Unhindered)
    assert "[Deploy]" in str(lines(render(asked)))
    assert not await plans.queue.store.all()


async def test_a_promotion_that_is_only_watched_holds_nobody_back(plans: Plans) -> None:
    world = plans.world
    first = await plans.ask("bo")
    assert isinstance(first, Started)
    watched = await world.now(first.promotion)
    healthy = (Following(watched.moves[0].application, Progress.HEALTHY),)
    async with world.database.begin() as connection:
        await world.store.save(connection, replace(watched, stage=Stage.FOLLOW, following=healthy))
    assert isinstance(await plans.ask(when_open=True, notify=True, image="v1.4.3"), Unhindered)


async def test_who_may_no_longer_deploy_hears_that_instead(plans: Plans) -> None:
    await plans.lock()
    await plans.ask(when_open=True, notify=True)
    await plans.unlock()
    people = plans.world.directory.people
    people["U0ANA"] = replace(people["U0ANA"], active=False)
    assert await plans.after(timedelta(minutes=2)) == 0
    [told] = await plans.told("U0ANA")
    assert told.startswith("🔕 You no longer wait for a message about *my-app → production*: ")


class BrokenFor(FakeDirectory):
    """Knows everybody that another one knows, and breaks over one person after so many questions."""

    def __init__(self, known: FakeDirectory, user: str, after: int) -> None:
        super().__init__(known.people.values(), known.groups)
        self.user, self.left = user, after

    async def caller(self, user: str, team: str = "") -> Caller:
        if user == self.user:
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("a fault of ours")
        return await super().caller(user, team)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("notify", [True, False])
async def test_a_wish_that_nobody_can_look_at_stops_no_other(plans: Plans, notify: bool, after: int) -> None:
    await plans.lock()
    await plans.ask("ana", when_open=True, notify=notify)
    await plans.ask("bo", when_open=True, notify=True)
    await plans.unlock()
    plans.queue = replace(plans.queue, directory=BrokenFor(plans.world.directory, "U0ANA", after))
    await plans.after(timedelta(minutes=2))
    assert len(await plans.told("U0BO")) == 1
    assert [one.user for one in await plans.queue.store.all()] == ["U0ANA"]


async def test_a_freeze_ends_while_the_bot_is_down(tmp_path: Path) -> None:
    async with core_world(tmp_path) as world:
        plans = await open_plans(world)
        freezes = FreezeStore(world.database)
        freeze = Freeze("f-1", "production", DEE, "audit", plans.now, plans.now + timedelta(hours=3))
        async with world.database.begin() as connection:
            await freezes.call(connection, freeze)
        assert isinstance(await plans.ask(when_open=True), Postponed)
        world.engine.now += timedelta(hours=2)
        assert await plans.after(timedelta(hours=2)) == 0
        again = await open_plans(world)  # another process: it has only what is in the database
        world.engine.now += timedelta(hours=2)
        assert await again.after(timedelta(hours=4)) == 1
        asked = await world.store.live("my-app", "production")
        assert asked
        await world.approve("bo", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_rights_are_those_of_the_moment_when_it_starts(plans: Plans) -> None:
    await plans.ask(start_at=plans.now + timedelta(hours=1))
    plans.world.directory.groups["S0ENG", "engineers"] = frozenset()
    assert await plans.after(timedelta(hours=1)) == 0
    assert await plans.world.store.live("my-app", "production") is None
    assert any("could not start" in text for text in await plans.told("U0ANA"))


async def test_who_may_not_start_it_now_may_not_schedule_it(plans: Plans) -> None:
    with pytest.raises(UserError):
        await plans.ask("cy", start_at=plans.now + timedelta(hours=1))
    assert not await plans.queue.store.all()


async def test_it_does_not_wait_for_ever(plans: Plans) -> None:
    await plans.lock()
    await plans.ask(when_open=True)
    assert await plans.after(OPEN_PATIENCE + timedelta(hours=1)) == 0
    assert not await plans.queue.store.all()
    assert any("waited for two weeks" in text for text in await plans.told("U0ANA"))


async def test_nobody_waits_behind_what_is_not_due(plans: Plans) -> None:
    await plans.ask("bo", start_at=plans.now + timedelta(hours=1))
    assert isinstance(await plans.ask("ana"), Started)


async def test_the_list_and_who_takes_something_off(tmp_path: Path) -> None:
    text = POLICY.replace("{role: viewer, users: [U0CY]}", "{role: viewer, users: [U0CY], apps: [ledger]}")
    async with core_world(tmp_path, text) as world:
        plans = await open_plans(world)
        await plans.ask("ana", start_at=plans.now + timedelta(hours=1))
        [waiting] = await plans.queue.store.all()
        assert await plans.schedule.show(await world.person("bo")) == Scheduled((waiting,))
        assert await plans.schedule.show(await world.person("cy")) == Scheduled(())
        with pytest.raises(UnknownName):
            await plans.schedule.cancel(id_of(waiting), await world.person("cy"), world.context())
        with pytest.raises(NotAllowed, match="the requester, or an administrator"):
            await plans.schedule.cancel(id_of(waiting), await world.person("bo"), world.context())
        await plans.schedule.cancel(id_of(waiting), await world.person("dee"), world.context())
        assert not await plans.queue.store.all()
        assert await plans.after(timedelta(hours=2)) == 0


async def test_what_was_taken_off_is_not_put_back_by_a_request_that_was_asked_already(plans: Plans) -> None:
    """A process that died after it put it there; its request is done again by the next one."""
    context = plans.world.context()
    asked = await plans.ask(start_at=plans.now + timedelta(hours=2), context=context)
    (waiting,) = await plans.queue.store.all()
    await plans.schedule.cancel(id_of(waiting), await plans.world.person("ana"), plans.world.context())
    await plans.ask(start_at=plans.now + timedelta(hours=2), context=replace(context, again=True))
    assert isinstance(asked, Postponed)
    assert await plans.queue.store.all() == ()
