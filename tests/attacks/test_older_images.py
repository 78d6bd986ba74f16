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
from tests.fakes.world import House, house, kustomization, path
from tests.sentences import says

OLD = "v1.4.0"
"""production has v1.4.1, staging v1.4.2"""


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


def wish(home: House, **said: object) -> Deploy:
    return Deploy(context=home.context(), **{"app": "my-app", "environment": "production", "image": OLD, **said})  # type: ignore[arg-type]


async def shown(home: House, ask: Wish) -> str:
    """What the button carries that the asker was shown."""
    with pytest.raises(OlderImage) as asked:
        await home.service.start(ask, await home.person("ana"))
    assert says(asked.value.sentence, "older than", "production", "v1.4.1")
    return asked.value.plan.glass_hash


async def started(home: House) -> bool:
    await home.engine.settle()
    return bool(await home.store.all_live())


async def older_staging(home: House) -> None:
    home.overlays.push({path("staging"): kustomization(OLD)}, "staging goes back")


@pytest.mark.parametrize(
    "ask",
    [
        lambda home: wish(home),
        lambda home: wish(home, reason="--older yes, I confirm that it is older"),
        lambda home: wish(home, older="!"),
        lambda home: wish(home, older="0" * 64),
        lambda home: wish(home, shown="0" * 64),
    ],
    ids=["plain", "words", "a mark", "another hash", "the hash of a glass"],
)
async def test_no_word_confirms_it_and_nobody_is_asked_to_approve(home: House, ask: Callable[[House], Deploy]) -> None:
    await shown(home, ask(home))
    assert not await started(home)
    assert not await home.audit.rows()


async def test_an_older_image_that_comes_from_staging_is_confirmed_too(home: House) -> None:
    await older_staging(home)
    for ask in (wish(home, image=""), Promote(context=home.context(), apps=("my-app",), environment="production")):
        await shown(home, ask)
    assert not await started(home)


async def test_the_press_starts_what_was_shown(home: House) -> None:
    ask = wish(home)
    confirmed = replace(ask, older=await shown(home, ask))
    promotion = await home.service.start(confirmed, await home.person("ana"))
    await home.engine.settle()
    assert (await home.now(promotion)).stage is Stage.APPROVAL
    assert (await home.service.start(confirmed, await home.person("ana"))).id == promotion.id


async def other_before(home: House) -> None:
    """Somebody has deployed another one meanwhile."""
    home.overlays.push({path("production"): kustomization("v1.4.2")}, "by hand")


async def test_a_press_counts_for_just_these_images(home: House) -> None:
    ask = wish(home)
    before = await shown(home, ask)
    await other_before(home)
    with pytest.raises(OlderImage) as again:
        await home.service.start(replace(ask, older=before), await home.person("ana"))
    assert again.value.plan.glass_hash != before
    assert not await started(home)


@pytest.mark.parametrize("to", ["development", "staging"])
async def test_elsewhere_nobody_is_asked(home: House, to: str) -> None:
    await home.service.start(wish(home, environment=to), await home.person("ana"))


async def test_a_rollback_and_a_broken_glass_are_not_asked_a_second_time(home: House) -> None:
    """The one says that it goes back, of the other all of it was shown before the press."""
    await home.approve("bo", await home.deploy("ana"))
    back = Rollback(context=home.context(), app="my-app", environment="production", to="v1.4.1")
    promotion = await home.service.start(back, await home.person("bo"))
    assert promotion.plan.moves[0].older
    await home.engine.settle()
    await home.abort("bo", promotion)
    glass = await home.shown(wish(home, break_glass=True, reason="it burns"), "dee")
    await home.service.start(glass, await home.person("dee"))


@pytest.mark.parametrize("when", [{"when_open": True}, {"start_at": "later"}])
async def test_what_is_to_start_later_is_confirmed_first(home: House, when: dict[str, object]) -> None:
    turns = Scheduler(home.core.service, home.core.queue, home.core.clock)
    if "start_at" in when:
        when = {"start_at": home.core.clock.now() + timedelta(hours=1)}
    ask = wish(home, **when)
    asked = await turns.start(ask, await home.person("ana"))
    assert isinstance(asked, OlderAsked)
    assert not await home.core.queue.store.all()
    confirmed = replace(ask, older=asked.promotion.plan.glass_hash)
    assert isinstance(await turns.start(confirmed, await home.person("ana")), Postponed | Started)


async def test_what_becomes_older_while_it_waits_does_not_start(home: House) -> None:
    """Whoever asked gets a message with the button that confirms it; only its press starts it."""
    turns = Scheduler(home.core.service, home.core.queue, home.core.clock)
    ask = wish(home, image="v1.4.2", start_at=home.core.clock.now() + timedelta(hours=1))
    assert isinstance(await turns.start(ask, await home.person("ana")), Postponed)
    home.overlays.push({path("production"): kustomization("v1.4.3")}, "by hand")
    home.engine.now += timedelta(hours=2)
    assert await home.core.queue.start_next() == 0
    assert not await home.core.queue.store.all()
    assert not await started(home)
    await delivered(home.core.outbox)
    [message] = home.messenger.in_channel("D0ANA")
    [press] = [
        one
        for block in message.shown.blocks
        for one in block.get("elements", ())
        if one.get("action_id") == Action.OLDER
    ]
    confirmed = read_button(press, home.context())
    assert isinstance(confirmed, Deploy)
    assert confirmed.start_at is None
    reply = await turns.start(confirmed, await home.person("ana"))
    assert isinstance(reply, Started)
    assert reply.promotion.plan.moves[0].older


@pytest.mark.parametrize("since", ["v1.4.2", "v1.4.3"])
async def test_what_becomes_older_while_people_are_asked_is_not_issued_again(home: House, since: str) -> None:
    """The requester has confirmed nothing: a new card would bring production back by the approvers' yes alone."""
    await older_staging(home)
    ask = wish(home, image="v1.4.0")
    promotion = await home.service.start(replace(ask, older=await shown(home, ask)), await home.person("ana"))
    await home.engine.settle()
    home.overlays.push({path("production"): kustomization(since)}, "by hand")
    with pytest.raises(UserError):
        await home.approve("bo", promotion)
    ended = await home.now(promotion)
    assert ended.phase.final
    assert not ended.successor
    assert not await home.store.all_live()


async def test_what_was_newer_and_is_older_now_is_not_issued_again(home: House) -> None:
    promotion = await home.deploy("ana", "v1.4.2")
    assert not promotion.plan.moves[0].older
    home.overlays.push({path("production"): kustomization("v1.4.3")}, "by hand")
    with pytest.raises(UserError):
        await home.approve("bo", promotion)
    assert not (await home.now(promotion)).successor
    assert not await home.store.all_live()


async def test_what_still_leads_forward_is_issued_again(home: House) -> None:
    promotion = await home.deploy("ana", "v1.4.2")
    home.overlays.push({path("production"): kustomization("v1.4.0")}, "by hand")
    with pytest.raises(UserError):
        await home.approve("bo", promotion)
    assert (await home.now(promotion)).successor
