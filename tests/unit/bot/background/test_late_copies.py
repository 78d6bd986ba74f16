"""Whoever Slack could not name when people were asked is asked as soon as it can; nobody is asked twice."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.background.late_copies import LateCopies
from bot.domain.caller import Caller
from bot.domain.errors import Unavailable
from bot.domain.promotion import Promotion, Stage
from bot.notify.copies import subject
from bot.promotions import approvers
from tests.fakes.delegations import lend
from tests.fakes.queues import delivered
from tests.fakes.world import CoreWorld, core_world

AWAY = Unavailable("Slack", "users.info", "down")
EVERYBODY = {"U0BO", "U0MIA", "U0DEE"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvers, "PATIENCE_SECONDS", 0.0)


async def copies(world: CoreWorld, promotion: Promotion) -> set[str]:
    return {copy.channel for copy in await world.core.stores.messages.threads.showing(subject(promotion))}


async def asked_while(world: CoreWorld, answer: Callable[[str], Awaitable[Caller]] | None = None) -> Promotion:
    """A promotion whose approvers are looked up while the directory answers like this; None: not at all."""
    usual, asks = world.directory.caller, list[str]()

    async def caller(user: str, team: str = "") -> Caller:
        if asks and user in EVERYBODY:
            if answer is None:
                raise AWAY
            return await answer(user)
        return await usual(user, team)

    world.engine.on_step = lambda name: asks.append(name) if name.startswith("ask-people") else None
    world.directory.caller = caller  # type: ignore[method-assign]
    promotion = await world.deploy()
    world.directory.caller = usual  # type: ignore[method-assign]
    assert (await world.now(promotion)).stage is Stage.APPROVAL
    return promotion


async def test_a_directory_that_fails_once_is_asked_again(world: CoreWorld) -> None:
    promotion = await asked_while(world)
    assert not await copies(world, promotion)
    assert world.core.approvers.late.is_set()
    assert await world.core.late_copies.look()
    assert await copies(world, promotion) == EVERYBODY


async def test_one_who_could_not_be_looked_up_is_the_only_one_asked_later(world: CoreWorld) -> None:
    usual = world.directory.caller

    async def but_for_mia(user: str) -> Caller:
        if user == "U0MIA":
            raise AWAY
        return await usual(user)

    promotion = await asked_while(world, but_for_mia)
    assert await copies(world, promotion) == EVERYBODY - {"U0MIA"}
    before = await world.core.stores.messages.threads.showing(subject(promotion))
    assert await world.core.late_copies.look()
    assert await copies(world, promotion) == EVERYBODY
    after = await world.core.stores.messages.threads.showing(subject(promotion))
    assert all(one in after for one in before)  # theirs are as they were


@pytest.mark.usefixtures("impatient")
async def test_a_slow_directory_holds_nobody_up_and_the_copies_come(world: CoreWorld) -> None:
    async def never(user: str) -> Caller:
        await asyncio.Event().wait()
        raise AssertionError

    promotion = await asked_while(world, never)
    assert not await copies(world, promotion)
    await world.core.late_copies.look()
    assert await copies(world, promotion) == EVERYBODY


async def test_who_answered_in_time_has_a_copy_at_once(world: CoreWorld) -> None:
    usual = world.directory.caller

    async def slow_for_mia(user: str) -> Caller:
        if user == "U0MIA":
            await asyncio.Event().wait()
        return await usual(user)

    world.directory.caller, usual_caller = slow_for_mia, world.directory.caller  # type: ignore[assignment, method-assign]
    try:
        found = await world.core.approvers.find(await asked(world), 0.5)
    finally:
        world.directory.caller = usual_caller  # type: ignore[method-assign]
    assert {caller.id for caller in found.people} == EVERYBODY - {"U0MIA"}
    assert not found.complete


async def asked(world: CoreWorld) -> Promotion:
    usual, world.directory.caller = world.directory.caller, type(world.directory).caller.__get__(world.directory)  # type: ignore[method-assign]
    promotion = await world.deploy()
    world.directory.caller = usual  # type: ignore[method-assign]
    return await world.now(promotion)


async def test_the_next_process_asks_whom_the_last_one_could_not(world: CoreWorld) -> None:
    promotion = await asked_while(world)
    started_again = LateCopies(world.store, world.core.approvers, world.core.copies)
    world.core.approvers.missed.clear()  # in memory, so gone with the process
    assert await started_again.look()
    assert await copies(world, promotion) == EVERYBODY


async def test_nobody_is_asked_twice(world: CoreWorld) -> None:
    promotion = await world.deploy()
    assert await copies(world, promotion) == EVERYBODY
    await delivered(world.core.outbox)
    sent = len(world.messenger.in_channel("D0BO"))
    for _ in range(3):
        assert await LateCopies(world.store, world.core.approvers, world.core.copies).look()
    await delivered(world.core.outbox)
    assert len(world.messenger.in_channel("D0BO")) == sent == 1


async def test_who_is_muted_meanwhile_is_not_asked(world: CoreWorld) -> None:
    promotion = await asked_while(world)
    await world.core.stores.mutes.mute((await world.person("bo")).person)
    await world.core.late_copies.look()
    assert await copies(world, promotion) == EVERYBODY - {"U0BO"}


async def test_what_is_decided_meanwhile_is_not_asked(world: CoreWorld) -> None:
    promotion = await asked_while(world)
    await world.approve("bo", promotion)
    await world.core.late_copies.look()
    assert not await copies(world, promotion)


async def test_who_has_said_yes_already_is_not_asked(tmp_path: Path) -> None:
    two = "channels: {default: C0DEPLOY}\nenvironments:\n- {name: development}\n- {name: staging}\n- name: production\n"
    two += "  approval: {count: 2}\nbindings:\n- {role: engineer, groups: [engineers]}\n"
    two += "- {role: release-manager, groups: ['@release-managers']}\n- {role: admin, groups: ['@platform-admins']}\n"
    async with core_world(tmp_path, two) as world:
        promotion = await asked_while(world)
        await world.approve("bo", promotion)
        await world.core.late_copies.look()
        assert await copies(world, promotion) == EVERYBODY - {"U0BO"}


async def test_a_copy_put_while_somebody_decides_shows_the_end(world: CoreWorld) -> None:
    """Between the look at what waits and the copy, the decision."""
    promotion = await asked_while(world)
    usual = world.core.copies.send_missing

    async def decided_first(waiting: Promotion, people: tuple[Caller, ...]) -> bool:
        await world.approve("bo", promotion)
        return await usual(waiting, people)

    world.core.copies.send_missing = decided_first  # type: ignore[method-assign, assignment]
    await world.core.late_copies.look()
    await delivered(world.core.outbox)
    for user in EVERYBODY:
        assert not [m for m in world.messenger.in_channel(f"D{user[1:]}") if "promotion.approve" in str(m.shown.blocks)]


async def test_while_slack_is_away_the_round_says_that_it_is_not_complete(world: CoreWorld) -> None:
    promotion = await asked_while(world)
    world.directory.down = AWAY
    assert not await world.core.late_copies.look()
    assert not await world.core.late_copies.look()
    world.directory.down = None
    assert await world.core.late_copies.look()
    assert await copies(world, promotion) == EVERYBODY


async def test_who_stands_in_from_now_on_is_asked_now(world: CoreWorld) -> None:
    promotion = await world.deploy()
    assert await world.core.late_copies.look()
    await lend(world, "bo", "cy")
    assert await world.core.late_copies.look()
    assert await copies(world, promotion) == EVERYBODY | {"U0CY"}
