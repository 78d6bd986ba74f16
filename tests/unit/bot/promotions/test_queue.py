"""Two promotions of one app to one environment: the second is told, and may wait or take the first one's place."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, NotAllowed, Unavailable, UserError
from bot.domain.intent import Deploy, IfBusy, Promote, Rollback, Wish
from bot.domain.promotion import Following, Phase, Progress, Promotion, Stage
from bot.domain.queueing import Waiting
from bot.domain.reply import Occupied, OlderAsked, Queued, Started
from bot.notify.outbox import Outbox
from bot.promotions.follower import Follower
from bot.promotions.queue import PATIENCE, PromotionQueue
from bot.promotions.scheduler import Scheduler
from bot.store.queue import QueueStore
from bot.workflow.story import Story
from tests.fakes.queues import delivered
from tests.fakes.world import CoreWorld, core_world, kustomization, path
from tests.sentences import says
from tests.unit.bot.promotions.test_scheduler import add_app


@dataclass
class Line:
    """The core, with people waiting in the queue."""

    world: CoreWorld
    queue: PromotionQueue
    turns: Scheduler
    outbox: Outbox

    async def ask(self, who: str, if_busy: IfBusy = IfBusy.QUEUE, **changes: object) -> object:
        wish = Deploy(context=self.world.context(), app="my-app", environment="production", if_busy=if_busy)
        return await self.start(who, replace(wish, **changes))  # type: ignore[arg-type]

    async def start(self, who: str, wish: Wish) -> object:
        """By somebody who presses where they are asked whether they mean an older image."""
        reply = await self.turns.start(wish, await self.world.person(who))
        if isinstance(reply, OlderAsked):
            confirmed = replace(wish, older=reply.promotion.plan.glass_hash)
            reply = await self.turns.start(confirmed, await self.world.person(who))
        await self.world.engine.settle()
        return reply

    async def next(self) -> int:
        started = await self.queue.start_next()
        await self.world.engine.settle()
        return started

    async def waiting(self) -> list[str]:
        return [one.user for one in await self.queue.store.all()]

    async def told(self, user: str) -> list[str]:
        await delivered(self.outbox)
        return [message.shown.text for message in self.world.messenger.in_channel(f"D{user[1:]}")]

    async def live(self) -> Promotion:
        found = await self.world.store.live("my-app", "production")
        assert found
        return found


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with core_world(tmp_path) as world:
        core = world.core
        yield Line(world, core.queue, Scheduler(core.service, core.queue), core.outbox)


async def test_the_second_person_is_told_about_the_first(line: Line) -> None:
    first = await line.world.deploy("ana")
    reply = await line.ask("bo", IfBusy.REFUSE)
    assert isinstance(reply, Occupied)
    assert reply.promotion is not None
    assert reply.promotion.id == first.id
    assert says(reply.sentence, "ana is already promoting my-app to production", f"`/abort {first.id}`")
    assert await line.waiting() == []


async def test_who_finds_nothing_in_the_way_starts_at_once(line: Line) -> None:
    assert isinstance(await line.ask("ana", IfBusy.QUEUE), Started)
    assert await line.waiting() == []


async def test_who_waits_starts_when_the_first_has_ended_and_is_told(line: Line) -> None:
    first = await line.world.deploy("ana")
    assert await line.ask("bo", image="v1.4.0") == Queued(await line.world.now(first))
    assert await line.next() == 0
    await line.world.abort("ana", first)
    assert await line.next() == 1
    second = await line.live()
    assert (second.plan.requester.name, second.stage) == ("bo", Stage.APPROVAL)
    assert await line.waiting() == []
    [turn] = await line.told("U0BO")
    assert says(turn, "your turn", "*my-app → production · v1.4.1 → v1.4.0*", "<#C0DEPLOY>")
    assert [row.event for row in await line.world.audit.rows() if row.event == "queued"] == ["queued"]


async def test_it_goes_in_order_and_nobody_overtakes(line: Line) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo", image="v1.4.0")
    await line.ask("mia", image="v1.4.3")
    await line.world.abort("ana", first)
    assert await line.next() == 1
    assert (await line.live()).plan.requester.name == "bo"
    assert await line.waiting() == ["U0MIA"]


async def test_a_train_of_every_app_that_waits_holds_nobody_up(line: Line) -> None:
    """It waits until nothing is under way there, which may take a day."""
    await line.world.deploy("ana")
    context = line.world.context()
    every = Promote(context=context, apps=(), environment="production", if_busy=IfBusy.QUEUE)
    other = Deploy(context=line.world.context(), app="ledger", environment="production", if_busy=IfBusy.QUEUE)
    async with line.world.database.begin() as connection:
        for who, wish in (("U0BO", every), ("U0MIA", other)):
            await line.queue.store.add(connection, Waiting(wish, who, "T0PILOT", datetime.now(UTC)))
    assert await line.next() == 0
    assert await line.waiting() == ["U0BO"]
    assert any("ledger" in told for told in await line.told("U0MIA"))  # its turn has come: there is no such app here


async def test_who_asks_again_keeps_their_place_with_the_newest_wish(line: Line) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo", image="v1.4.0")
    await line.ask("mia")
    await line.ask("bo", image="v1.4.3")
    assert await line.waiting() == ["U0BO", "U0MIA"]
    await line.world.abort("ana", first)
    await line.next()
    assert (await line.live()).plan.moves[0].after.tag == "v1.4.3"


async def test_replacing_aborts_the_first_and_goes_before_the_others(line: Line) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo", image="v1.4.0")
    reply = await line.ask("ana", IfBusy.REPLACE, image="v1.4.3")
    assert isinstance(reply, Queued)
    assert reply.replacing
    assert (await line.world.now(first)).phase is Phase.ABORTED
    await line.next()
    assert (await line.live()).plan.moves[0].after.tag == "v1.4.3"
    assert await line.waiting() == ["U0BO"]


async def test_nobody_replaces_what_they_may_not_abort(line: Line) -> None:
    first = await line.world.deploy("ana")
    with pytest.raises(NotAllowed):
        await line.ask("bo", IfBusy.REPLACE)
    assert (await line.world.now(first)).stage is Stage.APPROVAL
    assert await line.waiting() == []
    await line.ask("dee", IfBusy.REPLACE, image="v1.4.0")
    assert (await line.world.now(first)).phase is Phase.ABORTED


async def test_what_is_decided_cannot_be_replaced(line: Line) -> None:
    first = await line.world.deploy("ana")
    on_its_way = replace(await line.world.now(first), stage=Stage.FOLLOW)
    async with line.world.database.begin() as connection:
        await line.world.store.save(connection, on_its_way)
    with pytest.raises(Conflict, match="The decision has been made"):
        await line.ask("ana", IfBusy.REPLACE)
    assert await line.waiting() == []


async def test_what_there_is_no_need_for_any_more_is_dropped_and_the_person_told_why(line: Line) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo")
    await line.world.abort("ana", first)
    line.world.overlays.push({path("production"): kustomization("v1.4.2")}, "by hand")
    assert await line.next() == 0
    assert await line.waiting() == []
    [missed] = await line.told("U0BO")
    assert says(missed, "*my-app → production*", "could not start", "already pins", "`/status my-app`")


async def test_who_waits_is_authorised_when_their_turn_comes(line: Line) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo", image="v1.4.0")
    await line.world.abort("ana", first)
    line.world.directory.groups[("S0RELEASE", "release-managers")] = frozenset()
    assert await line.next() == 0
    assert says((await line.told("U0BO"))[0], "`promote` permission")


async def test_a_wish_does_not_wait_for_ever(line: Line) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo", image="v1.4.0")
    (waiting,) = await line.queue.store.all()
    async with line.world.database.begin() as connection:
        old = replace(waiting, since=waiting.since - PATIENCE - timedelta(minutes=1))
        await line.queue.store.add(connection, old)
    await line.world.abort("ana", first)
    assert await line.next() == 0
    assert "It has waited for a day." in (await line.told("U0BO"))[0]


async def test_a_crash_between_the_start_and_the_note_of_it_starts_nothing_twice(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo", image="v1.4.0")
    await line.world.abort("ana", first)

    class Killed(BaseException):
        pass

    async def killed(*_arguments: object) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(QueueStore, "remove", killed)
        with pytest.raises(Killed):
            await line.queue.start_next()
    started = await line.live()
    await line.next()  # the place is taken, by this very wish
    await line.world.abort("bo", started)
    await line.next()
    assert await line.world.store.live("my-app", "production") is None
    assert await line.waiting() == []
    assert len([said for said in await line.told("U0BO") if "your turn" in said]) == 1


async def test_what_cannot_be_asked_now_waits_on(line: Line) -> None:
    first = await line.world.deploy("ana")
    await line.ask("bo", image="v1.4.0")
    await line.world.abort("ana", first)
    line.world.overlays.failing = OSError("the repository is away")
    assert await line.next() == 0
    assert await line.waiting() == ["U0BO"]
    line.world.overlays.failing = None
    assert await line.next() == 1


async def test_an_app_that_is_named_and_does_not_change_is_named_in_the_answer(line: Line) -> None:
    await add_app(line.world, "payments")
    line.world.overlays.push({path("staging", "payments"): kustomization("v1.4.1", "payments")}, "by hand")
    line.world.overlays.push({path("production", "payments"): kustomization("v1.4.1", "payments")}, "by hand")
    train = Promote(context=line.world.context(), apps=("my-app", "payments"), environment="production")
    started = await line.start("ana", train)
    assert isinstance(started, Started)
    assert (started.promotion.plan.apps, started.unchanged) == (("my-app",), ("payments",))


async def test_a_train_waits_for_each_of_its_apps_and_a_rollback_waits_too(line: Line) -> None:
    await add_app(line.world, "payments")
    line.world.overlays.push({path("production", "payments"): kustomization("v1.4.1", "payments")}, "by hand")
    first = await line.world.deploy("ana")
    train = Promote(context=line.world.context(), apps=(), environment="production", if_busy=IfBusy.QUEUE)
    back = Rollback(context=line.world.context(), app="payments", environment="production", if_busy=IfBusy.QUEUE)
    assert isinstance(await line.start("bo", train), Queued)
    assert await line.next() == 0
    await line.world.abort("ana", first)
    assert await line.next() == 1
    assert set((await line.live()).plan.apps) == {"my-app", "payments"}
    assert isinstance(await line.start("mia", back), Queued)
    (waiting,) = await line.queue.store.all()
    assert waiting == Waiting(back, "U0MIA", "T0PILOT", waiting.since)


async def test_what_cannot_be_looked_up_now_starts_nothing_and_says_so(line: Line) -> None:
    line.world.registry.failing = Unavailable("git", "read a commit", "connection refused")
    with pytest.raises(UserError, match=r"^Git does not answer, "):
        await line.ask("ana", IfBusy.REFUSE)
    line.world.registry.failing = Unavailable("Harbor", "read v1.4.2", "connection refused")
    with pytest.raises(UserError, match=r"^Harbor does not answer, .* nothing was started\. Run the command again"):
        await line.ask("ana", IfBusy.REFUSE)
    assert await line.world.store.all_live() == ()
    line.world.registry.failing = None
    assert isinstance(await line.ask("ana", IfBusy.REFUSE), Started)


async def test_what_is_only_watched_keeps_nobody_in_line(line: Line) -> None:
    first = await line.ask("ana", IfBusy.REFUSE)
    assert isinstance(first, Started)
    assert isinstance(await line.ask("bo", image="v1.4.3"), Queued)
    watched = await line.world.now(first.promotion)
    healthy = (Following(watched.moves[0].application, Progress.HEALTHY),)
    async with line.world.database.begin() as connection:
        await line.world.store.save(connection, replace(watched, stage=Stage.FOLLOW, following=healthy))
    assert await line.next() == 1


async def test_a_rollback_in_the_queue_goes_on_when_what_it_waits_for_is_only_followed(line: Line) -> None:
    world = line.world
    world.applications.obeys = False
    engine = world.engine
    follower = Follower(
        world.applications, world.overlays, 15, clock=lambda: engine.now, sleep=lambda _: engine.rest(15)
    )
    engine.story = Story(replace(world.steps, follower=follower), world.service.policy)
    first = await world.deploy("ana")
    wish = Rollback(context=world.context(), app="my-app", environment="production", to="v1.4.1", if_busy=IfBusy.QUEUE)
    await line.queue.add(Waiting(wish, "U0BO", "T0PILOT", datetime.now(UTC)), first)
    await line.ask("mia", image="v1.4.3")
    assert await line.next() == 0
    await world.approve("bo", first)
    assert (await world.now(first)).stage is Stage.FOLLOW
    assert await line.next() == 1
    assert await line.waiting() == ["U0MIA"]  # a promotion is not overtaken by the bot's own order
