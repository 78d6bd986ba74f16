"""Somebody asks or approves, and is gone, demoted or somebody else's guest before it takes effect."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.caller import Caller
from bot.domain.errors import InvalidCommand, Refused, UserError
from bot.domain.intent import Approve, Deploy
from bot.domain.safety import Lock
from bot.promotions.scheduler import Scheduler
from tests.fakes.delegations import lend
from tests.fakes.world import CoreWorld

Leaving = Callable[[CoreWorld, str], None]


def deactivated(world: CoreWorld, id: str) -> None:
    world.directory.people[id] = replace(world.directory.people[id], active=False)


def unknown(world: CoreWorld, id: str) -> None:
    del world.directory.people[id]


def guest(world: CoreWorld, id: str) -> None:
    world.directory.people[id] = replace(world.directory.people[id], guest=True)


def foreign(world: CoreWorld, id: str) -> None:
    world.directory.people[id] = replace(world.directory.people[id], foreign=True)


def bot(world: CoreWorld, id: str) -> None:
    world.directory.people[id] = replace(world.directory.people[id], bot=True)


def demoted(world: CoreWorld, id: str) -> None:
    world.directory.groups = {names: users - {id} for names, users in world.directory.groups.items()}


def refused(world: CoreWorld, id: str) -> None:
    """Slack shows everybody but this one."""
    caller = world.directory.caller

    async def asked(user: str, team: str = "") -> Caller:
        if user == id:
            raise Refused("Slack", "users.info", "the answer names no user")
        return await caller(user, team)

    world.directory.caller = asked  # type: ignore[method-assign]


LEAVES = [deactivated, unknown, guest, foreign, bot, demoted]


@pytest.mark.parametrize("leave", LEAVES)
async def test_what_somebody_asked_for_who_has_left_is_not_committed(world: CoreWorld, leave: Leaving) -> None:
    promotion = await world.deploy("ana")
    leave(world, "U0ANA")
    with suppress(UserError):
        await world.approve("bo", promotion)
    assert not world.promotion_commits()


@pytest.mark.parametrize("leave", LEAVES)
async def test_nobody_approves_who_has_left(world: CoreWorld, leave: Leaving) -> None:
    promotion = await world.deploy("ana")
    seen = (await world.now(promotion)).content_hash
    bo = await world.person("bo")  # as the router knew them a moment ago
    leave(world, "U0BO")
    ask = Approve(context=world.context(), promotion=promotion.id, content_hash=seen)
    await world.service.approve(ask, bo)  # the story asks again
    await world.engine.settle()
    assert not (await world.now(promotion)).approvals
    assert not world.promotion_commits()


@pytest.mark.parametrize("leave", [deactivated, unknown, demoted])
@pytest.mark.parametrize("wait", [{"start_at": "later"}, {"when_open": True}])
async def test_what_waits_for_its_time_does_not_start_for_who_has_left(
    world: CoreWorld, leave: Leaving, wait: dict[str, object]
) -> None:
    clock = world.core.clock
    wait = {"start_at": clock.now() + timedelta(hours=1)} if "start_at" in wait else wait
    if "when_open" in wait:
        async with world.database.begin() as connection:
            dee = world.directory.people["U0DEE"].person
            await world.locks.take(connection, Lock("my-app", "staging", dee, "audit", clock.now()))
    ask = Deploy(context=world.context(), app="my-app", environment="staging", image="v1.4.3", **wait)  # type: ignore[arg-type]
    await Scheduler(world.service, world.core.queue, clock).start(ask, await world.person("ana"))
    assert await world.core.queue.store.all()
    leave(world, "U0ANA")
    async with world.database.begin() as connection:
        await world.locks.release(connection, "my-app", "staging")
    world.engine.now += timedelta(hours=2)
    assert await world.core.queue.start_next() == 0
    assert not await world.store.all_live()
    assert not world.promotion_commits()


@pytest.mark.parametrize("wait", [{"when_open": True}, {"start_at": datetime(2999, 1, 1, tzinfo=UTC)}])
async def test_broken_glass_does_not_wait_whatever_a_button_carries(world: CoreWorld, wait: dict[str, object]) -> None:
    ask = Deploy(context=world.context(), app="my-app", environment="production", break_glass=True, reason="it burns")
    shown = await world.shown(ask, "dee")
    turns = Scheduler(world.service, world.core.queue, world.core.clock)
    with pytest.raises(InvalidCommand):
        await turns.start(replace(shown, **wait), await world.person("dee"))  # type: ignore[arg-type]
    assert not await world.core.queue.store.all()
    assert not world.promotion_commits()


@pytest.mark.parametrize("leave", [*LEAVES, refused])
async def test_who_was_away_and_has_left_lends_nothing_and_keeps_nobody_from_approving(
    world: CoreWorld, leave: Leaving
) -> None:
    """Whoever stands in for them has a voice of their own."""
    promotion = await world.deploy("ana")
    await lend(world, "mia", "bo")
    leave(world, "U0MIA")
    assert await world.service.waiting_for(await world.person("bo"))
    await world.approve("bo", promotion)
    (given,) = (await world.now(promotion)).approvals
    assert (given.approver.id, given.behalf) == ("U0BO", ())
    assert world.promotion_commits() == [promotion.id]


@pytest.mark.parametrize("leave", [*LEAVES, refused])
async def test_nor_do_they_lend_it_to_who_has_none(world: CoreWorld, leave: Leaving) -> None:
    promotion = await world.deploy("ana")
    await lend(world, "mia", "cy")
    seen = (await world.now(promotion)).content_hash
    leave(world, "U0MIA")
    with pytest.raises(UserError):
        await world.approve("cy", promotion, seen)
    assert not world.promotion_commits()
