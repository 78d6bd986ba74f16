"""A rollback need not wait until Argo CD has given up what it is to take back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import PromotionInProgress
from bot.domain.promotion import Kind, Phase, Progress, Promotion, Stage
from bot.promotions.follower import Follower
from bot.workflow.story import Story
from tests.fakes.world import CoreWorld, core_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    """Argo CD looks at nothing until a test lets it; a follower that waits rests until time passes."""
    async with core_world(tmp_path) as built:
        engine = built.engine
        follower = Follower(
            built.applications, built.overlays, 15, clock=lambda: engine.now, sleep=lambda _: engine.rest(15)
        )
        engine.story = Story(replace(built.steps, follower=follower), built.service.policy)
        built.applications.obeys = False
        yield built


async def stuck(world: CoreWorld) -> Promotion:
    """In git, and Argo CD does not take it up: an admission policy refuses it, its repo-server is away …"""
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    assert (await world.now(asked)).stage is Stage.FOLLOW
    return asked


async def test_it_begins_while_the_other_is_followed_and_ends_that(world: CoreWorld) -> None:
    first = await stuck(world)
    back = await world.rollback("ana")
    assert back.plan.kind is Kind.ROLLBACK
    assert (await world.now(first)).phase is Phase.RUNNING  # its card goes on telling what Argo CD says
    await world.approve("bo", back)
    world.applications.obeys = True
    for _ in range(5):
        await world.engine.pass_time(timedelta(seconds=50))
    assert (await world.now(back)).phase is Phase.SUCCEEDED
    ended = await world.now(first)
    assert (ended.phase, ended.following[0].progress) == (Phase.FAILED, Progress.SUPERSEDED)
    assert ended.successor == ""
    assert "v1.4.1" in ended.outcome
    assert world.promotion_commits() == [first.id, back.id]


async def test_whoever_takes_the_rollback_back_leaves_the_other_as_it_was(world: CoreWorld) -> None:
    first = await stuck(world)
    back = await world.rollback("ana")
    await world.abort("ana", back)
    world.applications.obeys = True
    for _ in range(3):
        await world.engine.pass_time(timedelta(seconds=50))
    assert (await world.now(first)).phase is Phase.SUCCEEDED
    assert world.promotion_commits() == [first.id]


async def test_only_one_rollback_at_a_time(world: CoreWorld) -> None:
    await stuck(world)
    first = await world.rollback("ana")
    with pytest.raises(PromotionInProgress) as busy:
        await world.rollback("mia", to="v1.4.1")
    assert busy.value.promotion_id == first.id


async def test_a_promotion_waits_and_is_told_the_way_back(world: CoreWorld) -> None:
    first = await stuck(world)
    with pytest.raises(PromotionInProgress, match=r"its commit is made.*/rollback my-app production") as busy:
        await world.deploy("mia", image="v1.4.3")
    assert busy.value.promotion_id == first.id


async def test_after_a_rollback_that_was_taken_back_the_followed_one_is_still_in_the_way(world: CoreWorld) -> None:
    first = await stuck(world)
    await world.abort("ana", await world.rollback("ana"))
    with pytest.raises(PromotionInProgress) as busy:
        await world.deploy("mia", image="v1.4.3")
    assert busy.value.promotion_id == first.id
    assert (await world.rollback("ana")).plan.kind is Kind.ROLLBACK


async def test_an_automatic_rollback_takes_nobodys_place(world: CoreWorld) -> None:
    first = await stuck(world)
    plan = (await world.rollback("ana")).plan
    assert (await world.now(first)).gives_way_to(plan)
    assert not (await world.now(first)).gives_way_to(replace(plan, automatic=True))
