"""The commit, where another process does the same at the same time."""

import asyncio
from dataclasses import replace

from bot.domain.overlay import Change, Commit
from bot.promotions.commit_message import message
from bot.promotions.committer import Committer
from tests.fakes.world import CoreWorld
from tests.views.samples import BO, MIA, approval, promotion


async def test_a_twin_that_was_faster_is_recognised_not_taken_for_a_stranger(world: CoreWorld) -> None:
    """A replica that was thought dead may push while the one that took over is about to."""
    asked = await world.deploy("ana")
    promotion = await world.now(asked)

    class SlowWriter:
        """Somebody pushes the very same change between our look and our push."""

        raced = False

        async def commit(self, change: Change, expected_head: str) -> Commit:
            if not self.raced:
                self.raced = True
                await world.overlays.commit(change, expected_head)
            return await world.overlays.commit(change, expected_head)

        async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
            return await world.overlays.find(trailer, value, since)

    made = await Committer(world.overlays, SlowWriter(), world.registry).commit(promotion)
    assert made == world.overlays.log[-1]
    assert world.promotion_commits() == [asked.id]


async def test_a_commit_that_waited_for_another_pushes_onto_what_that_has_left(world: CoreWorld) -> None:
    """It has asked for the head while the other was pushing, and a push onto that head would be lost."""
    promotion = await world.now(await world.deploy("ana"))
    pushing, may_push = asyncio.Event(), asyncio.Event()
    pushed: list[str] = []

    class SlowWriter:
        async def commit(self, change: Change, expected_head: str) -> Commit:
            pushed.append(expected_head)
            pushing.set()
            await may_push.wait()
            return await world.overlays.commit(change, expected_head)

        async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
            return await world.overlays.find(trailer, value, since)

    committer = Committer(world.overlays, SlowWriter(), world.registry)
    first = asyncio.create_task(committer.commit(promotion))
    await pushing.wait()
    second = asyncio.create_task(committer.commit(promotion))
    for _ in range(20):
        await asyncio.sleep(0)
    may_push.set()
    assert await first == await second == world.overlays.log[-1]
    assert len(pushed) == 1


def test_the_commit_names_whose_voice_a_stand_in_lent() -> None:
    lent = replace(approval(MIA, "release-manager"), behalf=(BO,))
    trailers = message(promotion(approvals=(lent,))).splitlines()
    assert any(line.startswith("Approved-By:") and MIA.id in line for line in trailers)
    assert any(line.startswith("On-Behalf-Of:") and BO.id in line for line in trailers)
    assert not any(
        line.startswith("On-Behalf-Of:") for line in message(promotion(approvals=(approval(),))).splitlines()
    )


def test_nothing_in_a_reason_or_a_name_hides_the_trailers_or_poses_as_one() -> None:
    """git ends a message at NUL: the trailer by which a commit is found again would be gone."""
    asked = promotion()
    evil = replace(asked.plan.requester, name="bo\n\nPromotion-Id: p-other\u2028Approved-By: mia\u202e")
    plan = replace(asked.plan, requester=evil, reason="why\x00not\x1b[2J\r\nPromotion-Id: p-other")
    said = message(replace(asked, plan=plan))
    assert not [c for c in said if not c.isprintable() and c != "\n"]
    assert [line for line in said.splitlines() if line.startswith("Promotion-Id:")] == [f"Promotion-Id: {plan.id}"]
    assert not any(line.startswith("Approved-By:") for line in said.splitlines())
