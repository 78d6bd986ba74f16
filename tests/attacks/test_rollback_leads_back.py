"""Who calls something a rollback that does not lead back: refused, or a promotion with all that a promotion asks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import NothingToPromote, UnknownName
from bot.domain.image import Image
from bot.domain.promotion import Kind, Phase, Promotion, Stage, VerdictState
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import parse
from tests.fakes.promotions import MemoryRecord
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.unit.bot.promotions.test_scheduler import add_app
from tests.views.samples import promotion

CHEAP = """
environments:
- {name: development}
- {name: staging}
- {name: production, approval: {count: 2}, rollback: {approval: {count: 0}, lock: false}}
"""
LOCKING = CHEAP.replace(", lock: false", "")
REPOSITORY = f"{HARBOR}/my-app"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


async def promoted(world: CoreWorld, tag: str) -> Promotion:
    asked = await world.deploy("ana", image=tag)
    for name in ("bo", "mia"):
        await world.approve(name, asked)
    done = await world.now(asked)
    assert done.phase is Phase.SUCCEEDED
    return done


async def rolled_back(world: CoreWorld, to: str) -> Promotion:
    back = await world.now(await world.rollback("ana", to))
    assert (back.plan.kind, back.phase) == (Kind.ROLLBACK, Phase.SUCCEEDED)
    return back


def is_a_promotion(asked: Promotion) -> bool:
    plan = asked.plan
    return (plan.kind, plan.approval.count, plan.skipped_gates) == (Kind.PROMOTION, 2, {})


async def test_back_to_what_was_healthy_needs_no_more_than_policy_says(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        await promoted(world, "v1.4.2")
        await promoted(world, "v1.4.3")
        back = await rolled_back(world, "v1.4.2")
        assert (back.plan.approval.count, "scan" in back.plan.skipped_gates) == (0, True)


@pytest.mark.parametrize("by", ["tag", "digest", "commit"])
async def test_a_rollback_of_a_rollback_is_a_promotion(tmp_path: Path, by: str) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        await promoted(world, "v1.4.2")
        last = await promoted(world, "v1.4.3")
        await rolled_back(world, "v1.4.2")
        assert last.commit is not None
        to = {"tag": "v1.4.3", "digest": last.plan.moves[0].after.digest, "commit": last.commit.sha[:10]}[by]
        forward = await world.rollback("ana", to)
        assert is_a_promotion(forward)
        assert "v1.4.2" in world.overlay("production")


async def test_the_default_never_leads_to_what_was_rolled_back(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        await promoted(world, "v1.4.2")
        await promoted(world, "v1.4.3")
        await rolled_back(world, "v1.4.2")
        again = await world.rollback("ana")
        assert again.plan.moves[0].after.tag == "v1.4.1"
        await world.approve("bo", again)
        await world.approve("mia", again)
        assert "v1.4.1" in world.overlay("production")
        with pytest.raises(UnknownName, match="nothing to roll my-app in production back to"):
            await world.rollback("ana")


async def test_what_was_taken_back_by_hand_is_forward_too(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        await promoted(world, "v1.4.2")
        world.overlays.push({path("production"): kustomization("v1.4.1")}, "git revert")
        assert is_a_promotion(await world.rollback("ana", "v1.4.2"))


async def test_the_lock_that_a_rollback_left_holds_what_leads_forward(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + LOCKING) as world:
        await promoted(world, "v1.4.2")
        await promoted(world, "v1.4.3")
        await rolled_back(world, "v1.4.2")
        forward = await world.now(await world.rollback("ana", "v1.4.3"))
        (lock,) = [result for result in forward.results if result.gate == "lock"]
        assert lock.verdict.state is VerdictState.BLOCKED
        assert (forward.phase, "v1.4.2" in world.overlay("production")) == (Phase.FAILED, True)


async def test_what_was_promoted_again_may_be_rolled_back_to_again(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        await promoted(world, "v1.4.2")
        await rolled_back_to_the_first(world)
        await promoted(world, "v1.4.2")
        await promoted(world, "v1.4.3")
        assert (await rolled_back(world, "v1.4.2")).plan.moves[0].after.tag == "v1.4.2"


async def rolled_back_to_the_first(world: CoreWorld) -> None:
    first = await world.rollback("ana", "v1.4.1")
    for name in ("bo", "mia"):
        await world.approve(name, first)
    assert (await world.now(first)).phase is Phase.SUCCEEDED


async def test_what_nobody_saw_healthy_needs_the_approvals_of_a_promotion_and_its_scan(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        world.overlays.push({path("production"): kustomization("v1.4.0")}, "by hand")
        world.overlays.push({path("production"): kustomization("v1.4.2")}, "by hand, a minute later")
        asked = await world.rollback("ana", "v1.4.0")
        assert (asked.plan.kind, asked.plan.approval.count) == (Kind.ROLLBACK, 2)
        assert "scan" not in asked.plan.skipped_gates


async def test_what_stood_there_for_a_second_has_not_run(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        await promoted(world, "v1.4.2")
        evil = world.registry.push(REPOSITORY, "evil")
        world.overlays.push({path("production"): kustomization("evil")}, "by hand")
        taken_back = world.overlays.push({path("production"): kustomization("v1.4.3")}, "oops")
        before = world.overlays.log[-2]
        object.__setattr__(taken_back, "at", before.at + timedelta(seconds=1))
        for to in ("evil", before.sha[:10]):
            asked = await world.rollback("ana", to)
            assert is_a_promotion(asked)
            assert (await world.now(asked)).phase is Phase.FAILED  # the gate order stops what was never in staging
        assert evil.image.tag not in [c.image.tag for c in await world.service.targets.choices("my-app", "production")]


@pytest.mark.parametrize("to", ["v9.9.9", "v1.4.3", "deadbeef", "", "sha256:" + "e" * 64])
async def test_what_never_ran_there_is_nothing_to_go_back_to(world: CoreWorld, to: str) -> None:
    with pytest.raises(UnknownName, match=r"has not run|nothing to roll"):
        await world.rollback("ana", to)


async def test_what_runs_now_is_nothing_to_go_back_to(world: CoreWorld) -> None:
    with pytest.raises((UnknownName, NothingToPromote)):
        await world.rollback("ana", "v1.4.1")


async def test_the_history_of_another_app_counts_for_nothing(world: CoreWorld) -> None:
    await add_app(world, "payments")
    commit = world.overlays.push({path("production", "payments"): kustomization("v1.4.0", "payments")}, "by hand")
    world.overlays.push({path("production", "payments"): kustomization("v1.4.1", "payments")}, "by hand")
    for to in ("v1.4.0", commit.sha[:10]):
        with pytest.raises(UnknownName):
            await world.rollback("ana", to)


@pytest.mark.parametrize("to", ["v1.4.2", "", "digest"])
async def test_a_tag_that_was_moved_brings_no_other_digest(tmp_path: Path, to: str) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        first = await promoted(world, "v1.4.2")
        await promoted(world, "v1.4.3")
        ran = first.plan.moves[0].after.digest
        moved = world.registry.push(REPOSITORY, "v1.4.2", revision="somebody else's").image
        back = await rolled_back(world, ran if to == "digest" else to)
        assert back.plan.moves[0].after.digest == ran != moved.digest
        assert f"digest: {ran}" in world.overlay("production")


async def test_the_message_of_the_commit_is_a_record_where_the_database_has_none(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        ran = (await world.registry.artifact(REPOSITORY, "v1.4.0")).image.digest
        message = f"my-app: promote v1.4.0\n\nImage: {REPOSITORY}@{ran}\n"
        world.overlays.push({path("production"): kustomization("v1.4.0")}, message)
        world.overlays.push({path("production"): kustomization("v1.4.2")}, "by hand, a minute later")
        world.registry.push(REPOSITORY, "v1.4.0", revision="somebody else's")
        asked = await world.rollback("ana", "v1.4.0")
        assert asked.plan.moves[0].after.digest == ran


async def test_what_the_registry_no_longer_has_is_refused_though_its_tag_lives_on(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        first = await promoted(world, "v1.4.2")
        await promoted(world, "v1.4.3")
        world.registry.push(REPOSITORY, "v1.4.2", revision="somebody else's")
        kept = world.registry._artifacts[REPOSITORY]
        kept[:] = [a for a in kept if a.image.digest != first.plan.moves[0].after.digest]
        with pytest.raises(UnknownName, match="no longer has"):
            await world.rollback("ana", "v1.4.2")


@pytest.mark.parametrize("on_record", [True, False], ids=["on record", "only claimed"])
async def test_a_moved_tag_has_not_been_where_the_old_image_was(tmp_path: Path, *, on_record: bool) -> None:
    """Order and soak: staging shows the tag. What a message claims may deny, and never vouch."""
    async with core_world(tmp_path) as world:
        where, ran = await shown_in_staging(world, f"sha256:{'e' * 64}", on_record=on_record)
        moved = world.registry.push(REPOSITORY, "v1.4.3", revision="somebody else's").image
        overlay = await where._catalog.overlay("my-app", "staging")
        for there in (where.pinned, where.was_pinned):
            assert (await there(overlay, ran), await there(overlay, moved)) == (on_record, False)
        world.overlays.push({path("staging"): kustomization("v1.4.0")}, "by hand")
        assert (await where.was_pinned(overlay, ran), await where.was_pinned(overlay, moved)) == (on_record, False)


@pytest.mark.parametrize("on_record", [True, False], ids=["beside the record", "without a record"])
async def test_nobody_claims_in_a_message_that_an_image_has_been_there(tmp_path: Path, *, on_record: bool) -> None:
    async with core_world(tmp_path) as world:
        evil = world.registry.push(REPOSITORY, "evil", revision="evil").image
        where, ran = await shown_in_staging(world, evil.digest, on_record=on_record)
        overlay = await where._catalog.overlay("my-app", "staging")
        for there in (where.pinned, where.was_pinned):
            assert not await there(overlay, evil)
            assert await there(overlay, ran) is on_record


async def shown_in_staging(world: CoreWorld, claimed: str, *, on_record: bool) -> tuple[ImageLocations, Image]:
    """v1.4.3 by tag, by a commit whose message claims a digest; on record is what it really was."""
    ran = (await world.registry.artifact(REPOSITORY, "v1.4.3")).image
    message = f"my-app: promote v1.4.3 in staging\n\nImage: {REPOSITORY}@{claimed}\n"
    commit = world.overlays.push({path("staging"): kustomization("v1.4.3")}, message)
    record = MemoryRecord()
    if on_record:
        plan = promotion().plan
        moves = (replace(plan.moves[0], overlay=path("staging"), after=ran),)
        plan = replace(plan, environment="staging", moves=moves)
        record.promotions.append(Promotion(plan, Phase.SUCCEEDED, Stage.DONE, commit=commit))
    return ImageLocations(Catalog(world.overlays, parse(POLICY)), world.overlays, world.registry, record), ran


async def test_a_claim_in_a_message_does_not_make_a_proven_image_another(tmp_path: Path) -> None:
    """The same tag committed again, with another digest in the message: what was Healthy is what counts."""
    async with core_world(tmp_path, POLICY + CHEAP) as world:
        ran = (await promoted(world, "v1.4.2")).plan.moves[0].after.digest
        await promoted(world, "v1.4.3")
        evil = world.registry.push(REPOSITORY, "evil", revision="evil").image.digest
        here = path("production")
        world.overlays.push({here: kustomization("v1.4.2")}, f"again\n\nImage: {REPOSITORY}@{evil}")
        world.overlays.push({here: kustomization("v1.4.0")}, "by hand")
        world.overlays.push({here: kustomization("v1.4.3")}, "by hand")
        asked = await world.rollback("ana", "v1.4.2")
        assert asked.plan.moves[0].after.digest == ran
