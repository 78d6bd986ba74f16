"""A release train carries what its requester asked for: who decides on it adds nothing, and hears of no hidden app."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import NotAllowed
from bot.domain.event import Event
from bot.domain.intent import Adjust, Context, Promote
from bot.domain.promotion import Promotion, VoteKind
from bot.domain.reply import ApprovalRequests
from bot.domain.subscription import Scope, Subscription
from bot.notify.promotion_news import PromotionNews
from bot.promotions.signals import Signal
from bot.router.buttons import read_ticks
from bot.store.delivery_news import NewsStore
from bot.views import render
from bot.views.ids import Action, ticks_id
from bot.workflow.journal import pack
from tests.attacks.test_hidden_trains import HIDDEN, RULES, train_of
from tests.fakes.delegations import lend
from tests.fakes.queues import delivered
from tests.fakes.world import POLICY, CoreWorld, core_world
from tests.unit.bot.promotions.test_scheduler import add_app

CONTEXT = Context("r", "C0DEPLOY", "c", "T0PILOT")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, POLICY) as built:
        await add_app(built, "payments")
        yield built


async def train(world: CoreWorld) -> Promotion:
    ask = Promote(context=world.context(), apps=("my-app", "payments"), environment="production")
    asked = await world.service.start(ask, await world.person("ana"))
    await world.engine.settle()
    return asked


async def adjust(world: CoreWorld, asked: Promotion, who: str, *left_out: str) -> None:
    ask = Adjust(context=world.context(), promotion=asked.id, left_out=left_out)
    await world.service.adjust(ask, await world.person(who))
    await world.engine.settle()


@pytest.mark.parametrize("who", ["bo", "mia", "dee"], ids=["approver", "another approver", "administrator"])
async def test_who_approves_does_not_take_in_what_the_requester_left_out(world: CoreWorld, who: str) -> None:
    """One person would have decided alone that payments goes: four eyes want somebody else to ask."""
    asked = await train(world)
    await adjust(world, asked, "ana", "payments")
    with pytest.raises(NotAllowed, match="Only ana"):
        await adjust(world, asked, who)
    assert (await world.now(asked)).left_out == ("payments",)
    await world.approve("bo", asked)
    assert "v1.4.0" in world.overlay("production", "payments")
    refused = [row.actor for row in await world.audit.rows() if row.event == "refused"]
    assert refused == [(await world.person(who)).id]


async def test_nor_one_for_the_other(world: CoreWorld) -> None:
    asked = await train(world)
    await adjust(world, asked, "ana", "payments")
    with pytest.raises(NotAllowed):
        await adjust(world, asked, "bo", "my-app")
    assert (await world.now(asked)).left_out == ("payments",)


async def test_nor_by_a_signal_that_was_right_when_it_was_sent(world: CoreWorld) -> None:
    """Two adjust at once: the word of the approver was meant for the train as it was before."""
    asked = await train(world)
    bo = await world.person("bo")
    signal = Signal(VoteKind.ADJUST, bo.id, bo.team, "", "late", "", ("my-app",))
    await adjust(world, asked, "ana", "payments")
    await world.engine.signal(asked.id, "late", pack(signal))
    await world.engine.settle()
    assert (await world.now(asked)).left_out == ("payments",)


async def test_the_requester_takes_in_again_and_an_approver_leaves_out(world: CoreWorld) -> None:
    asked = await train(world)
    await adjust(world, asked, "ana", "payments")
    await adjust(world, asked, "ana")
    assert (await world.now(asked)).left_out == ()
    await adjust(world, asked, "bo", "my-app")
    assert (await world.now(asked)).left_out == ("my-app",)


def press(shown: list[str], ticked: list[str]) -> dict[str, Any]:
    block = ticks_id("p-1", "0" * 64, 0)
    options = [{"value": app} for app in ("a", "b", "c")]
    boxes = {"type": "checkboxes", "options": options, "initial_options": [{"value": app} for app in shown]}
    chosen = [{"value": app} for app in ticked]
    action = {"type": "checkboxes", "action_id": Action.ADJUST, "block_id": block, "selected_options": chosen}
    return {"actions": [action], "message": {"blocks": [{"block_id": block, "elements": [boxes]}]}}


@pytest.mark.parametrize(
    ("shown", "ticked", "left_out", "taken_in"),
    [
        (["a", "b", "c"], ["a", "c"], ("b",), ()),
        (["a", "b"], ["a", "b", "c"], (), ("c",)),
        (["a", "b"], ["a", "c"], ("b",), ("c",)),
        (["a", "b", "c"], ["a", "b", "c"], (), ()),
        ([], ["c"], (), ("c",)),
        (["c"], [], ("c",), ()),
    ],
)
def test_an_old_card_speaks_only_of_the_box_that_was_pressed(
    shown: list[str], ticked: list[str], left_out: tuple[str, ...], taken_in: tuple[str, ...]
) -> None:
    """The others show what was so when the card was drawn: somebody may have left one of them out since."""
    asked = read_ticks(press(shown, ticked), CONTEXT)
    assert (asked.left_out, asked.taken_in) == (left_out, taken_in)


# Who may view my-app alone decides on it, and hears nothing of what else is in the train.


@pytest.fixture
async def hidden_world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, RULES) as built:
        await add_app(built, HIDDEN)
        yield built


async def test_what_waits_for_my_approval_does_not_name_hidden_apps(hidden_world: CoreWorld) -> None:
    await train_of(hidden_world)
    for who, sees in (("cy", False), ("bo", True)):
        waits = await hidden_world.service.waiting_for(await hidden_world.person(who))
        told = str(render(ApprovalRequests(waits, frozenset())))
        assert (HIDDEN in told) is sees


async def test_no_copy_of_its_card_is_sent_to_who_may_not_view_all_of_it(hidden_world: CoreWorld) -> None:
    promotion = await train_of(hidden_world)
    assert all("cy" not in people for people in hidden_world.cards.asked[promotion.id])
    await delivered(hidden_world.core.outbox)
    assert not hidden_world.messenger.in_channel("D0CY")


async def test_who_stands_in_is_sent_no_copy_that_names_what_is_left_out(hidden_world: CoreWorld) -> None:
    """Who is away lends cy a word about what goes, and no look at the rest."""
    promotion = await train_of(hidden_world)
    await lend(hidden_world, "mia", "cy")
    found = await hidden_world.core.approvers.find(promotion, 60)
    assert "cy" in [caller.person.name for caller in found.people]
    await adjust(hidden_world, promotion, "ana", HIDDEN)
    found = await hidden_world.core.approvers.find(await hidden_world.now(promotion), 60)
    assert "cy" not in [caller.person.name for caller in found.people]
    assert "bo" in [caller.person.name for caller in found.people]


async def test_who_may_view_all_of_it_gets_one_as_ever(hidden_world: CoreWorld) -> None:
    promotion = await hidden_world.deploy("ana")
    assert any("cy" in people for people in hidden_world.cards.asked[promotion.id])


@pytest.mark.parametrize("event", [Event.STARTED, Event.FAILED, Event.ABORTED, Event.DONE])
async def test_news_of_one_app_of_a_train_does_not_name_the_others(hidden_world: CoreWorld, event: Event) -> None:
    promotion = await train_of(hidden_world)
    await hidden_world.reject("bo", promotion, f"{HIDDEN} is being audited")
    ended = await hidden_world.now(promotion)
    store = hidden_world.core.stores.subscriptions
    await store.subscribe([Subscription("U0CY", Scope("my-app"), "U0CY")])
    news, policy = NewsStore(hidden_world.database), hidden_world.service.policy
    async with hidden_world.database.begin() as connection:
        await PromotionNews(news, store, policy, lambda: 1.0).put(connection, ended, event)
    told = [noted.news for noted in await news.unaddressed(100) if noted.news.app == "my-app"]
    assert told
    assert HIDDEN not in str(told)
