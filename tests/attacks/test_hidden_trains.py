"""A release train holds an app of mine and one that I may not view: what the real service tells me about it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.caller import Caller, Target
from bot.domain.errors import NotAllowed, NothingToPromote, PromotionInProgress, Unavailable, UnknownName
from bot.domain.intent import Adjust, Promote, ShowApps
from bot.domain.promotion import Promotion, VoteKind
from bot.domain.reply import TrainApps
from bot.domain.safety import Delegation
from bot.router.dispatch import targets
from bot.views.train import train_apps
from commands.show_apps import show_apps
from tests.fakes.delegations import lend
from tests.fakes.world import POLICY, CoreWorld, core_world
from tests.unit.bot.promotions.test_scheduler import add_app

RULES = (
    POLICY.replace("  - {role: viewer, users: [U0CY]}\n", "  - {role: admin, users: [U0CY], apps: [my-app]}\n")
    + "environments:\n- {name: development}\n- {name: staging}\n"
    + "- {name: production, approval: {count: 2, roles: [release-manager, admin]}}\n"
)
HIDDEN, ABSENT = "payments", "p-0000000000"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    """cy owns my-app, and may view nothing else."""
    async with core_world(tmp_path, RULES) as world:
        await add_app(world, HIDDEN)
        yield world


async def train_of(world: CoreWorld, *apps: str) -> Promotion:
    ask = Promote(context=world.context(), apps=apps or ("my-app", HIDDEN), environment="production")
    train = await world.service.start(ask, await world.person("ana"))
    await world.engine.settle()
    return await world.now(train)


@pytest.mark.parametrize("image", ["", "v1.4.0", "v1.4.3"])
async def test_what_is_in_progress_is_named_by_what_was_asked_for(world: CoreWorld, image: str) -> None:
    train = await train_of(world)
    with pytest.raises(PromotionInProgress) as told:
        await world.deploy("cy", image)
    assert told.value.promotion_id == train.id
    assert "my-app to production (v1.4.2," in told.value.sentence
    assert HIDDEN not in told.value.sentence


async def test_a_train_that_meets_a_train_is_named_by_what_both_hold(world: CoreWorld) -> None:
    await add_app(world, "api")
    await train_of(world)
    with pytest.raises(PromotionInProgress) as told:
        await train_of(world, "api", "my-app")
    assert "my-app to" in told.value.sentence
    assert HIDDEN not in told.value.sentence


@pytest.mark.parametrize("kind", [VoteKind.ABORT, VoteKind.ADJUST])
async def test_who_may_not_abort_all_of_it_does_not_hear_what_all_is(world: CoreWorld, kind: VoteKind) -> None:
    train, cy = await train_of(world), await world.person("cy")
    with pytest.raises(NotAllowed) as told:
        await world.service._checked(kind, train.id, world.context(), cy, "")
    assert HIDDEN not in told.value.sentence
    assert "every app of this release train" in told.value.sentence


async def test_who_cannot_be_told_apart_does_not_hear_of_whose_image(world: CoreWorld) -> None:
    """The author of the hidden app's image is not known: the refusal does not say of which app."""
    train, cy = await train_of(world), await world.person("cy")
    blind = replace(train, plan=replace(train.plan, authors=(), authors_unknown=(f"{HIDDEN} v1.4.2",)))
    blind = replace(blind, plan=replace(blind.plan, approval=replace(blind.plan.approval, author_approval=False)))
    with pytest.raises(NotAllowed) as told:
        world.service.eligibility._check_own_work(blind, cy)
    assert HIDDEN not in told.value.sentence
    with pytest.raises(NotAllowed, match=HIDDEN):
        world.service.eligibility._check_own_work(blind, await world.person("bo"))


# The time that an answer takes: the same is looked up for what is hidden and for what is absent.


class Counted:
    """What the directory and the table of delegations are asked."""

    def __init__(self, world: CoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        caller, absent_for = world.directory.caller, world.delegations.absent_for

        async def counted_caller(user: str, team: str = "") -> Caller:
            self.asked.append(f"caller {user}")
            return await caller(user, team)

        async def counted_absent(delegate: str) -> tuple[Delegation, ...]:
            self.asked.append(f"absent for {delegate}")
            return await absent_for(delegate)

        monkeypatch.setattr(world.directory, "caller", counted_caller)
        monkeypatch.setattr(world.delegations, "absent_for", counted_absent)


@pytest.mark.parametrize("lender", ["", "ana"])
async def test_the_same_is_looked_up_for_what_is_hidden_and_for_what_is_absent(
    world: CoreWorld, lender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ana may deploy, and has no word to lend about a promotion to production."""
    if lender:
        await lend(world, lender, "cy")
    hidden, cy = await train_of(world, HIDDEN), await world.person("cy")
    counted, seen = Counted(world, monkeypatch), []
    for id in (hidden.id, ABSENT):
        with pytest.raises(UnknownName):
            await world.service.find(id, cy)
        seen.append(list(counted.asked))
        counted.asked.clear()
    assert seen[0] == seen[1] != []


async def test_what_cannot_be_looked_up_is_refused_alike(world: CoreWorld) -> None:
    """Slack is away, and somebody has lent the asker a word: hidden and absent break alike."""
    await lend(world, "ana", "cy")
    hidden, cy = await train_of(world, HIDDEN), await world.person("cy")
    world.directory.down = Unavailable("Slack", "users.info", "no answer")
    told = []
    for id in (hidden.id, ABSENT):
        with pytest.raises(Unavailable) as refused:
            await world.service.find(id, cy)
        told.append(str(refused.value))
    assert told[0] == told[1]


async def test_whose_lender_may_approve_it_finds_it(world: CoreWorld) -> None:
    hidden, cy = await train_of(world, HIDDEN), await world.person("cy")
    with pytest.raises(UnknownName):
        await world.service.find(hidden.id, cy)
    await lend(world, "bo", "cy")
    assert (await world.service.find(hidden.id, cy)).id == hidden.id


async def test_the_window_names_the_apps_that_one_may_view_and_counts_the_others(world: CoreWorld) -> None:
    """cy sees the button on the card, and decides on my-app."""
    train, cy = await train_of(world), await world.person("cy")
    ask = ShowApps(context=world.context(), promotion=train.id)
    opened = await show_apps(ask, await world.person("ana"), world.service)
    assert isinstance(opened, TrainApps)
    assert opened.seen == ("my-app", HIDDEN)
    part = await show_apps(ask, cy, world.service)
    assert isinstance(part, TrainApps)
    window = json.dumps(train_apps(part))
    assert "my-app" in window
    assert "1 more app that you may not view." in window
    assert HIDDEN not in window


async def test_the_window_of_a_hidden_train_and_of_none_are_refused_alike(world: CoreWorld) -> None:
    hidden, cy = await train_of(world, HIDDEN), await world.person("cy")
    told = []
    for id in (hidden.id, ABSENT):
        with pytest.raises(UnknownName) as refused:
            await show_apps(ShowApps(context=world.context(), promotion=id), cy, world.service)
        told.append(refused.value.sentence.replace(id, ""))
    assert told[0] == told[1]


async def test_who_speaks_for_somebody_absent_may_see_what_they_decide_on_and_no_longer(world: CoreWorld) -> None:
    hidden, cy = await train_of(world, HIDDEN, "my-app"), await world.person("cy")
    ask = ShowApps(context=world.context(), promotion=hidden.id)
    await lend(world, "bo", "cy")
    opened = await show_apps(ask, cy, world.service)
    assert isinstance(opened, TrainApps)
    assert set(opened.seen) == {HIDDEN, "my-app"}
    assert (await world.service.find(hidden.id, cy, whole=True)).id == hidden.id
    await world.service.adjust(
        Adjust(context=world.context(), promotion=hidden.id, left_out=(HIDDEN,)), await world.person("ana")
    )
    await world.engine.settle()
    left = await show_apps(ask, cy, world.service)
    assert isinstance(left, TrainApps)
    assert left.seen == ("my-app",)  # nobody is asked to decide on what does not go
    with pytest.raises(UnknownName):
        await world.service.find(hidden.id, cy, whole=True)


async def test_a_wish_shows_its_apps_to_who_may_start_it(world: CoreWorld) -> None:
    wish = Promote(context=world.context(), apps=("my-app", HIDDEN), environment="production")
    ask = ShowApps(context=world.context(), wish=wish)
    assert targets(ask) == (Target("my-app", "production"), Target(HIDDEN, "production"))
    opened = await show_apps(ask, await world.person("ana"), world.service)
    assert isinstance(opened, TrainApps)
    assert set(opened.seen) == {"my-app", HIDDEN}
    with pytest.raises(NotAllowed):
        await show_apps(ask, await world.person("gus"), world.service)
    assert not await world.store.all_live()


async def test_who_may_view_nothing_promotes_all_of_nothing(world: CoreWorld) -> None:
    ask = Promote(context=world.context(), apps=(), environment="production")
    with pytest.raises((NothingToPromote, NotAllowed)) as told:
        await world.service.start(ask, await world.person("gus"))
    assert HIDDEN not in told.value.sentence
    assert "my-app" not in told.value.sentence
