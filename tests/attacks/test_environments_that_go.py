"""Policy no longer has an environment, or calls it something else, while things are under way there: nothing is written
to it, and all that was begun can be shown and ended.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import commands
from bot.app.core import Core
from bot.command import CommandRegistry
from bot.domain.application import HealthStatus, ResourceHealth
from bot.domain.errors import UserError
from bot.domain.intent import CloseReview
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.safety import Lock, Review
from bot.grammar import Vocabulary
from bot.policy import parse
from bot.safety.reviews import ReviewService
from bot.views import render
from tests.attacks.test_later_starts import waiting
from tests.attacks.test_todays_policy import LAX, reload, world
from tests.fakes.queues import delivered
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world

__all__ = ["world"]

GONE = POLICY + "environments: [{name: development}, {name: staging}]\n"
RENAMED = POLICY + "environments: [{name: development}, {name: staging}, {name: live}]\n"
ALIASED = RENAMED.replace("{name: live}", "{name: live, aliases: [production]}")


@pytest.mark.parametrize("text", [GONE, RENAMED, ALIASED])
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


async def reloaded(world: CoreWorld, text: str) -> CoreWorld:
    """Another process, with another policy, over what the first one has left. Who follows rests until time passes."""
    before = world.core
    pace = replace(before.pace, follow=15)
    core = Core(parse(text), before.outside, before.stores, before.clock, before.engine.telling, pace)
    assert core.engine.story
    await core.engine.restart(core.engine.story)
    return replace(world, core=core)


TAKEN_BACK = POLICY + (
    "environments: [{name: development}, {name: staging}, {name: production, rollback: {automatic: 30m}}]\n"
)


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    """Argo CD looks at nothing until a test lets it."""
    async with core_world(tmp_path, TAKEN_BACK) as built:
        built.applications.obeys = False
        yield await reloaded(built, TAKEN_BACK)


async def committed(world: CoreWorld) -> Promotion:
    promotion = await world.deploy("ana")
    await world.approve("bo", promotion)
    assert (await world.now(promotion)).stage is Stage.FOLLOW
    return promotion


async def card(world: CoreWorld, promotion: Promotion) -> str:
    """As anybody sees it in the channel."""
    posted = await world.core.cards.show(await world.now(promotion))
    await delivered(world.core.outbox)
    (shown,) = [message.shown for message in world.messenger.messages if message.posted == posted]
    return str(shown.blocks)


EVERY = pytest.mark.parametrize("text", [GONE, RENAMED, ALIASED])


@EVERY
async def test_a_commit_in_it_is_followed_to_its_end(watching: CoreWorld, text: str) -> None:
    promotion = await committed(watching)
    world = await reloaded(watching, text)
    assert (await world.now(promotion)).stage is Stage.FOLLOW
    watching.applications.obeys = True
    for _ in range(5):
        await world.engine.pass_time(timedelta(minutes=1))
    over = await world.now(promotion)
    assert (over.phase, over.outcome) == (Phase.SUCCEEDED, "my-app v1.4.2 is Healthy in production.")
    assert "Healthy" in await card(world, promotion)


@EVERY
async def test_what_does_not_come_up_in_it_is_told_and_nothing_is_written(watching: CoreWorld, text: str) -> None:
    """It was to be taken back automatically; today's policy knows nothing of that environment."""
    promotion = await committed(watching)
    world = await reloaded(watching, text)
    head = await world.overlays.head()
    world.applications.deploy("my-app-production", head, (f"{HARBOR}/my-app:v1.4.2",))
    sick = ResourceHealth("Pod", "my-app-1", "my-app", HealthStatus.DEGRADED, "Back-off pulling image")
    world.applications.sicken("my-app-production", sick)
    for _ in range(8):
        await world.engine.pass_time(timedelta(minutes=5))
    over = await world.now(promotion)
    assert (over.phase, over.successor) == (Phase.FAILED, "")
    assert "Back-off pulling image" in over.outcome
    assert world.promotion_commits() == [promotion.id]
    assert not await world.store.all_live()
    assert "Back-off pulling image" in await card(world, promotion)


@EVERY
async def test_what_never_arrives_in_it_ends_at_its_time(watching: CoreWorld, text: str) -> None:
    promotion = await committed(watching)
    world = await reloaded(watching, text)
    for _ in range(6):
        await world.engine.pass_time(timedelta(hours=1))
    over = await world.now(promotion)
    assert (over.phase, over.successor, world.promotion_commits()) == (Phase.FAILED, "", [promotion.id])


@EVERY
async def test_what_was_well_in_it_is_watched_by_nobody(watching: CoreWorld, text: str) -> None:
    watching.applications.obeys = True
    promotion = await watching.deploy("ana")
    await watching.approve("bo", promotion)
    assert (await watching.now(promotion)).only_watched
    world = await reloaded(watching, text)
    await world.engine.pass_time(timedelta(minutes=1))
    assert (await world.now(promotion)).phase is Phase.SUCCEEDED
    assert world.promotion_commits() == [promotion.id]


@EVERY
async def test_a_way_back_in_it_is_followed_and_locks_what_it_led_back(watching: CoreWorld, text: str) -> None:
    watching.applications.obeys = True
    await watching.approve("bo", await watching.deploy("ana"))
    watching.applications.obeys = False
    back = await watching.rollback("ana")
    await watching.approve("bo", back)
    assert (await watching.now(back)).stage is Stage.FOLLOW
    world = await reloaded(watching, text)
    watching.applications.obeys = True
    for _ in range(5):
        await world.engine.pass_time(timedelta(minutes=1))
    assert (await world.now(back)).phase is Phase.SUCCEEDED
    assert [(lock.app, lock.environment) for lock in await world.locks.all()] == [("my-app", "production")]


@EVERY
async def test_a_commit_in_it_is_found_after_its_journal_was_lost(watching: CoreWorld, text: str) -> None:
    promotion = await committed(watching)
    await watching.engine.lose(promotion.id)
    world = await reloaded(watching, text)
    assert await world.service.orphans.look() == 1
    over = await world.now(promotion)
    assert over.phase is Phase.ERRORED
    assert "The overlay was changed" in over.outcome
