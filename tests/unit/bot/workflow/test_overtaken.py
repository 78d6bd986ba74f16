"""Somebody changes the line that people are asked about: their votes are void at once, and a new card is issued."""

import pytest

from bot.background.overlay_watch import OverlayWatch
from bot.domain.errors import Conflict, Unavailable
from bot.domain.overlay import Author
from bot.domain.promotion import Phase, Promotion, Stage
from bot.promotions.committer import Committer
from tests.fakes.world import House, kustomization, path

ZOE = Author("zoe", "zoe@example.com")


def push(home: House, tag: str = "v1.4.0") -> None:
    home.overlays.push({path("production"): kustomization(tag)}, author=ZOE)


def overlay_watch(home: House) -> OverlayWatch:
    committer = Committer(home.overlays, home.overlays, home.registry)
    return OverlayWatch(home.store, home.engine, home.overlays, committer)


async def refused(home: House, asked: Promotion) -> None:
    with pytest.raises(Conflict, match=r"changed by zoe .* use that card"):
        await home.approve("bo", asked)
    await home.engine.settle()


async def successor(home: House, old: Promotion) -> Promotion:
    await home.service.resume()
    await home.engine.settle()
    return await home.service.get(old.successor)


async def test_an_approval_of_what_has_moved_does_not_count(home: House) -> None:
    asked = await home.deploy("ana")
    push(home)
    await refused(home, asked)
    old = await home.now(asked)
    assert old.phase is Phase.FAILED
    assert old.approvals == ()
    assert "was changed by zoe" in old.outcome
    new = await successor(home, old)
    assert new.stage is Stage.APPROVAL
    assert new.approvals == ()
    assert new.moves[0].before.tag == "v1.4.0"
    assert home.promotion_commits() == []


async def test_the_refused_press_is_told_why_and_written_down(home: House) -> None:
    asked = await home.deploy("ana")
    push(home)
    await refused(home, asked)
    rows = [row for row in await home.audit.rows(limit=100) if row.promotion_id == asked.id]
    assert "changed by zoe" in str(next(row for row in rows if row.event == "refused"))
    assert "approve" not in [row.event for row in rows]


async def test_nobody_needs_to_press(home: House) -> None:
    asked = await home.deploy("ana")
    watch = overlay_watch(home)
    assert await watch.look() == 0
    push(home)
    assert await watch.look() == 1
    await home.engine.settle()
    old = await home.now(asked)
    assert old.phase is Phase.FAILED
    assert (await successor(home, old)).stage is Stage.APPROVAL
    assert await watch.look() == 0


async def test_what_others_change_elsewhere_disturbs_nobody(home: House) -> None:
    asked = await home.deploy("ana")
    home.overlays.push({path("staging"): kustomization("v1.4.3")}, author=ZOE)
    assert await overlay_watch(home).look() == 0
    await home.approve("bo", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_where_git_is_away_the_vote_counts_and_the_commit_looks_again(home: House) -> None:
    asked = await home.deploy("ana")
    home.overlays.failing = Unavailable("git", "read", "away")
    await home.approve("bo", asked)
    assert len((await home.now(asked)).approvals) == 1
