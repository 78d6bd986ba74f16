"""Somebody changes the line that people are asked about: their votes are void at once, and a new card is issued."""

import pytest

from bot.background.overlay_watch import OverlayWatch
from bot.domain.errors import Conflict, Unavailable
from bot.domain.overlay import Author
from bot.domain.promotion import Phase, Promotion, Stage
from bot.promotions.committer import Committer
from tests.fakes.world import CoreWorld, kustomization, path

ZOE = Author("zoe", "zoe@example.com")


def push(world: CoreWorld, tag: str = "v1.4.0") -> None:
    world.overlays.push({path("production"): kustomization(tag)}, author=ZOE)


def overlay_watch(world: CoreWorld) -> OverlayWatch:
    committer = Committer(world.overlays, world.overlays, world.registry)
    return OverlayWatch(world.store, world.engine, world.overlays, committer)


async def refused(world: CoreWorld, asked: Promotion) -> None:
    with pytest.raises(Conflict, match=r"changed by zoe .* use that card"):
        await world.approve("bo", asked)
    await world.engine.settle()


async def successor(world: CoreWorld, old: Promotion) -> Promotion:
    await world.service.resume()
    await world.engine.settle()
    return await world.service.get(old.successor)


async def test_an_approval_of_what_has_moved_does_not_count(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    push(world)
    await refused(world, asked)
    old = await world.now(asked)
    assert old.phase is Phase.FAILED
    assert old.approvals == ()
    assert "was changed by zoe" in old.outcome
    new = await successor(world, old)
    assert new.stage is Stage.APPROVAL
    assert new.approvals == ()
    assert new.moves[0].before.tag == "v1.4.0"
    assert world.promotion_commits() == []


async def test_the_refused_press_is_told_why_and_written_down(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    push(world)
    await refused(world, asked)
    rows = [row for row in await world.audit.rows(limit=100) if row.promotion_id == asked.id]
    assert "changed by zoe" in str(next(row for row in rows if row.event == "refused"))
    assert "approve" not in [row.event for row in rows]


async def test_nobody_needs_to_press(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    watch = overlay_watch(world)
    assert await watch.look() == 0
    push(world)
    assert await watch.look() == 1
    await world.engine.settle()
    old = await world.now(asked)
    assert old.phase is Phase.FAILED
    assert (await successor(world, old)).stage is Stage.APPROVAL
    assert await watch.look() == 0


async def test_what_others_change_elsewhere_disturbs_nobody(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.overlays.push({path("staging"): kustomization("v1.4.3")}, author=ZOE)
    assert await overlay_watch(world).look() == 0
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_where_git_is_away_the_vote_counts_and_the_commit_looks_again(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.overlays.failing = Unavailable("git", "read", "away")
    await world.approve("bo", asked)
    assert len((await world.now(asked)).approvals) == 1
