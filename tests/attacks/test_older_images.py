"""Somebody has production taken back to an older image: asked once more, by a press that counts for just that image."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import UserError
from bot.domain.intent import Deploy, Promote, Rollback, Wish
from bot.domain.promotion import Stage
from bot.domain.reply import OlderAsked, Postponed, Started
from bot.promotions.promotions import OlderImage
from bot.promotions.scheduler import Scheduler
from bot.router.buttons import read_button
from bot.views.ids import Action
from tests.fakes.queues import delivered
from tests.fakes.world import CoreWorld, core_world, kustomization, path
from tests.sentences import says

OLD = "v1.4.0"
"""production has v1.4.1, staging v1.4.2"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


def wish(world: CoreWorld, **said: object) -> Deploy:
    return Deploy(context=world.context(), **{"app": "my-app", "environment": "production", "image": OLD, **said})  # type: ignore[arg-type]


async def shown(world: CoreWorld, ask: Wish) -> str:
    """What the button carries that the asker was shown."""
    with pytest.raises(OlderImage) as asked:
        await world.service.start(ask, await world.person("ana"))
    assert says(asked.value.sentence, "older than", "production", "v1.4.1")
    return asked.value.plan.glass_hash


async def started(world: CoreWorld) -> bool:
    await world.engine.settle()
    return bool(await world.store.all_live())


async def older_staging(world: CoreWorld) -> None:
    world.overlays.push({path("staging"): kustomization(OLD)}, "staging goes back")


@pytest.mark.parametrize(
    "ask",
    [
        lambda world: wish(world),
        lambda world: wish(world, reason="--older yes, I confirm that it is older"),
        lambda world: wish(world, older="!"),
        lambda world: wish(world, older="0" * 64),
        lambda world: wish(world, shown="0" * 64),
    ],
    ids=["plain", "words", "a mark", "another hash", "the hash of a glass"],
)
async def test_no_word_confirms_it_and_nobody_is_asked_to_approve(
    world: CoreWorld, ask: Callable[[CoreWorld], Deploy]
) -> None:
    await shown(world, ask(world))
    assert not await started(world)
    assert not await world.audit.rows()


async def test_an_older_image_that_comes_from_staging_is_confirmed_too(world: CoreWorld) -> None:
    await older_staging(world)
    for ask in (wish(world, image=""), Promote(context=world.context(), apps=("my-app",), environment="production")):
        await shown(world, ask)
    assert not await started(world)


async def test_the_press_starts_what_was_shown(world: CoreWorld) -> None:
    ask = wish(world)
    confirmed = replace(ask, older=await shown(world, ask))
    promotion = await world.service.start(confirmed, await world.person("ana"))
    await world.engine.settle()
    assert (await world.now(promotion)).stage is Stage.APPROVAL
    assert (await world.service.start(confirmed, await world.person("ana"))).id == promotion.id


async def other_before(world: CoreWorld) -> None:
    """Somebody has deployed another one meanwhile."""
    world.overlays.push({path("production"): kustomization("v1.4.2")}, "by hand")


async def test_a_press_counts_for_just_these_images(world: CoreWorld) -> None:
    ask = wish(world)
    before = await shown(world, ask)
    await other_before(world)
    with pytest.raises(OlderImage) as again:
        await world.service.start(replace(ask, older=before), await world.person("ana"))
    assert again.value.plan.glass_hash != before
    assert not await started(world)


@pytest.mark.parametrize("to", ["development", "staging"])
async def test_elsewhere_nobody_is_asked(world: CoreWorld, to: str) -> None:
    await world.service.start(wish(world, environment=to), await world.person("ana"))


async def test_a_rollback_and_a_broken_glass_are_not_asked_a_second_time(world: CoreWorld) -> None:
    """The one says that it goes back, of the other all of it was shown before the press."""
    await world.approve("bo", await world.deploy("ana"))
    back = Rollback(context=world.context(), app="my-app", environment="production", to="v1.4.1")
    promotion = await world.service.start(back, await world.person("bo"))
    assert promotion.plan.moves[0].older
    await world.engine.settle()
    await world.abort("bo", promotion)
    glass = await world.shown(wish(world, break_glass=True, reason="it burns"), "dee")
    await world.service.start(glass, await world.person("dee"))


@pytest.mark.parametrize("when", [{"when_open": True}, {"start_at": "later"}])
async def test_what_is_to_start_later_is_confirmed_first(world: CoreWorld, when: dict[str, object]) -> None:
    turns = Scheduler(world.core.service, world.core.queue, world.core.clock)
    if "start_at" in when:
        when = {"start_at": world.core.clock.now() + timedelta(hours=1)}
    ask = wish(world, **when)
    asked = await turns.start(ask, await world.person("ana"))
    assert isinstance(asked, OlderAsked)
    assert not await world.core.queue.store.all()
    confirmed = replace(ask, older=asked.promotion.plan.glass_hash)
    assert isinstance(await turns.start(confirmed, await world.person("ana")), Postponed | Started)


async def test_what_becomes_older_while_it_waits_does_not_start(world: CoreWorld) -> None:
    """Whoever asked gets a message with the button that confirms it; only its press starts it."""
    turns = Scheduler(world.core.service, world.core.queue, world.core.clock)
    ask = wish(world, image="v1.4.2", start_at=world.core.clock.now() + timedelta(hours=1))
    assert isinstance(await turns.start(ask, await world.person("ana")), Postponed)
    world.overlays.push({path("production"): kustomization("v1.4.3")}, "by hand")
    world.engine.now += timedelta(hours=2)
    assert await world.core.queue.start_next() == 0
    assert not await world.core.queue.store.all()
    assert not await started(world)
    await delivered(world.core.outbox)
    [message] = world.messenger.in_channel("D0ANA")
    [press] = [
        one
        for block in message.shown.blocks
        for one in block.get("elements", ())
        if one.get("action_id") == Action.OLDER
    ]
    confirmed = read_button(press, world.context())
    assert isinstance(confirmed, Deploy)
    assert confirmed.start_at is None
    reply = await turns.start(confirmed, await world.person("ana"))
    assert isinstance(reply, Started)
    assert reply.promotion.plan.moves[0].older


@pytest.mark.parametrize("since", ["v1.4.2", "v1.4.3"])
async def test_what_becomes_older_while_people_are_asked_is_not_issued_again(world: CoreWorld, since: str) -> None:
    """The requester has confirmed nothing: a new card would bring production back by the approvers' yes alone."""
    await older_staging(world)
    ask = wish(world, image="v1.4.0")
    promotion = await world.service.start(replace(ask, older=await shown(world, ask)), await world.person("ana"))
    await world.engine.settle()
    world.overlays.push({path("production"): kustomization(since)}, "by hand")
    with pytest.raises(UserError):
        await world.approve("bo", promotion)
    ended = await world.now(promotion)
    assert ended.phase.final
    assert not ended.successor
    assert not await world.store.all_live()


async def test_what_was_newer_and_is_older_now_is_not_issued_again(world: CoreWorld) -> None:
    promotion = await world.deploy("ana", "v1.4.2")
    assert not promotion.plan.moves[0].older
    world.overlays.push({path("production"): kustomization("v1.4.3")}, "by hand")
    with pytest.raises(UserError):
        await world.approve("bo", promotion)
    assert not (await world.now(promotion)).successor
    assert not await world.store.all_live()


async def test_what_still_leads_forward_is_issued_again(world: CoreWorld) -> None:
    promotion = await world.deploy("ana", "v1.4.2")
    world.overlays.push({path("production"): kustomization("v1.4.0")}, "by hand")
    with pytest.raises(UserError):
        await world.approve("bo", promotion)
    assert (await world.now(promotion)).successor
