"""Policy no longer has an environment, or calls it something else, while things are under way there: nothing is written
to it, and all that was begun can be shown and ended.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import commands
from bot.command import CommandRegistry
from bot.domain.errors import UserError
from bot.domain.intent import CloseReview
from bot.domain.promotion import Phase, Stage
from bot.domain.safety import Lock, Review
from bot.grammar import Vocabulary
from bot.policy import parse
from bot.safety.reviews import ReviewService
from bot.views import render
from tests.attacks.test_later_starts import waiting
from tests.attacks.test_todays_policy import LAX, reload, world
from tests.fakes.queues import delivered
from tests.fakes.world import POLICY, CoreWorld, core_world

__all__ = ["world"]

GONE = POLICY + "environments: [{name: development}, {name: staging}]\n"
RENAMED = POLICY + "environments: [{name: development}, {name: staging}, {name: live}]\n"


@pytest.mark.parametrize("text", [GONE, RENAMED])
async def test_what_is_approved_for_an_environment_that_is_gone_is_not_committed(world: CoreWorld, text: str) -> None:
    promotion = await world.deploy("ana")
    await reload(world, text)
    await world.approve("bo", promotion)
    over = await world.now(promotion)
    assert (over.phase, world.promotion_commits()) == (Phase.FAILED, [])
    assert "no longer has" in over.outcome


@pytest.mark.parametrize("end", ["abort", "reject"])
async def test_it_can_be_ended(world: CoreWorld, end: str) -> None:
    promotion = await world.deploy("ana")
    await reload(world, GONE)
    await (world.abort("ana", promotion) if end == "abort" else world.reject("bo", promotion, "not there any longer"))
    assert (await world.now(promotion)).phase.final
    assert not await world.store.all_live()
    assert not world.promotion_commits()


async def test_it_goes_on_when_the_environment_is_there_again(world: CoreWorld) -> None:
    promotion = await world.deploy("ana")
    await reload(world, GONE)
    assert (await world.now(promotion)).stage is Stage.APPROVAL
    await reload(world, LAX)
    await world.approve("bo", promotion)
    assert world.promotion_commits() == [promotion.id]


LINES = (
    "/status", "/status my-app", "/locks", "/schedule", "/history my-app", "/dora", "/subscriptions",
    "/pilothouse status", "/pilothouse whoami", "/deploy my-app staging", "/approve", "/unlock my-app staging",
)  # fmt: skip


async def under_way(directory: Path) -> str:
    """Something of each kind, in production; the id of a promotion."""
    async with core_world(directory) as world:
        await waiting(world)
        promotion = await world.deploy("ana")
        ana, now = await world.person("ana"), datetime.now(UTC)
        lock = Lock("my-app", "production", ana.person, "a migration", now, now + timedelta(hours=1))
        review = Review(promotion.id, ("my-app",), "production", ana.person, "an outage", now - timedelta(days=3))
        async with world.database.begin() as connection:
            await world.locks.take(connection, lock)
            await world.reviews.owe(connection, review)
        return promotion.id


@pytest.mark.parametrize("who", ["ana", "bo", "dee"])
async def test_no_answer_breaks(tmp_path: Path, who: str) -> None:
    await under_way(tmp_path)
    async with core_world(tmp_path, GONE) as world:
        runner, caller = CommandRegistry.load(commands).bind(world.core.offered), await world.person(who)
        for line in LINES:
            slash, _, words = line.partition(" ")
            spoken = runner.registry.find(slash, words)
            read = spoken.words(world.context())
            read.vocabulary = Vocabulary(("my-app",), parse(GONE).environments)
            with suppress(UserError):
                assert render(await runner.run(spoken.parse(read), caller)).text
        asked: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: world.service.waiting_for(caller), lambda: world.service.recent(caller, live=True)
        )  # fmt: skip
        for ask in asked:
            await ask()


async def test_what_waits_for_its_time_is_dropped_and_its_asker_hears_why(tmp_path: Path) -> None:
    async with core_world(tmp_path) as world:
        await waiting(world)
    async with core_world(tmp_path, GONE) as world:
        (one,) = await world.core.queue.store.all()
        assert one.wish.start_at
        later = one.wish.start_at + timedelta(minutes=1)
        assert await replace(world.core.queue, clock=lambda: later).start_next() == 0
        assert await world.core.queue.store.all() == ()
        await delivered(world.core.outbox)
        assert "production" in str([message.shown for message in world.messenger.in_channel("D0ANA")])


async def test_a_review_that_is_owed_there_is_still_asked_for_and_given(tmp_path: Path) -> None:
    owed = await under_way(tmp_path)
    async with core_world(tmp_path, GONE) as world:
        await world.core.safety.housekeeping.tidy()
        await delivered(world.core.outbox)
        said = [message.shown.text for message in world.messenger.in_channel("C0DEPLOY")]
        assert any("review" in text.lower() for text in said)
        ask = CloseReview(context=world.context(), promotion=owed, note="it was right")
        await world.core.offered[ReviewService].close(ask, await world.person("bo"))
        assert await world.reviews.open() == ()
