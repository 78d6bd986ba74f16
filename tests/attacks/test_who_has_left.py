"""Somebody asks or approves, and is gone, demoted or somebody else's guest before it takes effect."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import InvalidCommand, UserError
from bot.domain.intent import Approve, Deploy
from bot.domain.safety import Lock
from bot.promotions.scheduler import Scheduler
from tests.fakes.world import House

Leaving = Callable[[House, str], None]


def deactivated(home: House, id: str) -> None:
    home.directory.people[id] = replace(home.directory.people[id], active=False)


def unknown(home: House, id: str) -> None:
    del home.directory.people[id]


def guest(home: House, id: str) -> None:
    home.directory.people[id] = replace(home.directory.people[id], guest=True)


def foreign(home: House, id: str) -> None:
    home.directory.people[id] = replace(home.directory.people[id], foreign=True)


def bot(home: House, id: str) -> None:
    home.directory.people[id] = replace(home.directory.people[id], bot=True)


def demoted(home: House, id: str) -> None:
    home.directory.groups = {names: users - {id} for names, users in home.directory.groups.items()}


LEAVES = [deactivated, unknown, guest, foreign, bot, demoted]


@pytest.mark.parametrize("leave", LEAVES)
async def test_what_somebody_asked_for_who_has_left_is_not_committed(home: House, leave: Leaving) -> None:
    promotion = await home.deploy("ana")
    leave(home, "U0ANA")
    with suppress(UserError):
        await home.approve("bo", promotion)
    assert not home.promotion_commits()


@pytest.mark.parametrize("leave", LEAVES)
async def test_nobody_approves_who_has_left(home: House, leave: Leaving) -> None:
    promotion = await home.deploy("ana")
    seen = (await home.now(promotion)).content_hash
    bo = await home.person("bo")  # as the router knew them a moment ago
    leave(home, "U0BO")
    ask = Approve(context=home.context(), promotion=promotion.id, content_hash=seen)
    await home.service.approve(ask, bo)  # the story asks again
    await home.engine.settle()
    assert not (await home.now(promotion)).approvals
    assert not home.promotion_commits()


@pytest.mark.parametrize("leave", [deactivated, unknown, demoted])
@pytest.mark.parametrize("wait", [{"start_at": "later"}, {"when_open": True}])
async def test_what_waits_for_its_time_does_not_start_for_who_has_left(
    home: House, leave: Leaving, wait: dict[str, object]
) -> None:
    clock = home.core.clock
    wait = {"start_at": clock.now() + timedelta(hours=1)} if "start_at" in wait else wait
    if "when_open" in wait:
        async with home.database.begin() as connection:
            dee = home.directory.people["U0DEE"].person
            await home.locks.take(connection, Lock("my-app", "staging", dee, "audit", clock.now()))
    ask = Deploy(context=home.context(), app="my-app", environment="staging", image="v1.4.3", **wait)  # type: ignore[arg-type]
    await Scheduler(home.service, home.core.queue, clock).start(ask, await home.person("ana"))
    assert await home.core.queue.store.all()
    leave(home, "U0ANA")
    async with home.database.begin() as connection:
        await home.locks.release(connection, "my-app", "staging")
    home.engine.now += timedelta(hours=2)
    assert await home.core.queue.start_next() == 0
    assert not await home.store.all_live()
    assert not home.promotion_commits()


@pytest.mark.parametrize("wait", [{"when_open": True}, {"start_at": datetime(2999, 1, 1, tzinfo=UTC)}])
async def test_broken_glass_does_not_wait_whatever_a_button_carries(home: House, wait: dict[str, object]) -> None:
    ask = Deploy(context=home.context(), app="my-app", environment="production", break_glass=True, reason="it burns")
    shown = await home.shown(ask, "dee")
    turns = Scheduler(home.service, home.core.queue, home.core.clock)
    with pytest.raises(InvalidCommand):
        await turns.start(replace(shown, **wait), await home.person("dee"))  # type: ignore[arg-type]
    assert not await home.core.queue.store.all()
    assert not home.promotion_commits()
