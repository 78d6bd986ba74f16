"""A promotion that is done and only watched keeps nobody from the next one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.application import HealthStatus, ResourceHealth
from bot.domain.caller import Person
from bot.domain.image import Image
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.safety import Lock, Rejection
from bot.policy import parse
from bot.promotions.watcher import BAD_LOOKS
from bot.store.rejections import RejectionStore
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.unit.bot.promotions.test_scheduler import add_app, break_on_sync, policy, successor
from tests.unit.bot.workflow.test_trains import train

WATCHED = policy("  rollback: {automatic: 10m}\n")
MIA = Person("U0MIA", "mia", "mia@example.com")


async def watched(world: CoreWorld) -> Promotion:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    assert (await world.now(asked)).only_watched
    return asked


async def look(world: CoreWorld, times: int = 1) -> None:
    for _ in range(times):
        await world.engine.pass_time(timedelta(seconds=15))


async def test_a_watch_without_evidence_ends_well(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        asked = await watched(world)
        await world.engine.pass_time(timedelta(minutes=9))
        assert (await world.now(asked)).phase is Phase.RUNNING
        await world.engine.pass_time(timedelta(minutes=2))
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_the_next_promotion_takes_its_place(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        first = await watched(world)
        second = await world.deploy("mia", image="v1.4.3")
        await look(world)
        assert (await world.now(first)).phase is Phase.RUNNING  # still watched, until something changes
        await world.approve("bo", second)
        await look(world)
        assert (await world.now(first)).phase is Phase.SUCCEEDED
        assert (await world.store.live("my-app", "production")) == await world.now(second)
        assert world.promotion_commits() == [first.id, second.id]


async def test_a_person_may_roll_back_what_is_watched(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        first = await watched(world)
        back = await world.rollback("ana")
        await world.approve("bo", back)
        assert (await world.now(back)).phase is Phase.SUCCEEDED
        await look(world)
        assert (await world.now(first)).phase is Phase.SUCCEEDED


async def test_what_goes_wrong_while_somebody_acts_is_told_and_left_to_them(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        first = await watched(world)
        second = await world.deploy("mia", image="v1.4.3")
        world.alerts.fire("HighErrorRate", "errors at 20 %", app="my-app", environment="production")
        await look(world, BAD_LOOKS)
        ended = await world.now(first)
        assert (ended.phase, ended.successor) == (Phase.FAILED, "")
        assert ended.outcome.startswith("The alert HighErrorRate fires")
        assert (await world.now(second)).stage is Stage.APPROVAL


async def failed_and_rolled_back(world: CoreWorld) -> Promotion:
    break_on_sync(world, "v1.4.2")
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    return asked


async def test_a_rejected_image_is_not_gone_back_to_by_itself(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        old: Image = (await world.registry.artifact("harbor.example.com/apps/my-app", "v1.4.1")).image
        async with world.database.begin() as connection:
            rejection = Rejection("my-app", old.digest, "v1.4.1", MIA, "leaks", datetime.now(UTC))
            await RejectionStore(world.database).reject(connection, rejection)
        back = await world.now(await successor(world, await failed_and_rolled_back(world)))
        assert back.phase is Phase.FAILED
        assert "rejected: mia rejects v1.4.1: leaks." in back.outcome
        assert "v1.4.2" in world.overlay("production")


async def test_a_lock_that_somebody_took_holds_an_automatic_rollback(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        write = world.overlays.commit

        async def commit_then_lock(*args: object) -> object:
            made = await write(*args)  # type: ignore[arg-type]
            async with world.database.begin() as connection:
                lock = Lock("my-app", "production", MIA, "a migration", datetime.now(UTC))
                await world.locks.take(connection, lock)
            return made

        world.overlays.commit = commit_then_lock  # type: ignore[method-assign,assignment]
        back = await world.now(await successor(world, await failed_and_rolled_back(world)))
        assert back.outcome.startswith("Blocked: lock: my-app in production is locked by mia")


async def test_an_argo_cd_that_is_away_is_no_reason_to_roll_back(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED + "  follow_timeout: 1s\n") as world:
        world.applications.obeys = False
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        ended = await world.now(asked)
        assert (ended.phase, ended.successor) == (Phase.FAILED, "")


async def test_a_rollback_by_policy_goes_back_to_what_was_seen_healthy(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        await watched(world)
        await world.engine.pass_time(timedelta(minutes=11))
        world.overlays.push({path("production"): kustomization("v1.4.1")}, "by hand, and seen by nobody")
        bad = await world.deploy("ana", image="v1.4.3")
        await world.approve("bo", bad)
        world.alerts.fire("HighErrorRate", app="my-app", environment="production")
        await look(world, BAD_LOOKS)
        assert (await world.now(bad)).phase is Phase.FAILED
        await successor(world, bad)
        assert "newTag: v1.4.2 " in world.overlay("production")


async def test_the_illness_of_what_somebody_else_put_there_takes_nothing_back(tmp_path: Path) -> None:
    async with core_world(tmp_path, WATCHED) as world:
        first = await watched(world)
        commit = world.overlays.push({path("production"): kustomization("v1.4.3")})
        world.applications.deploy("my-app-production", commit.sha, (f"{HARBOR}/my-app:v1.4.3",))
        world.applications.sicken("my-app-production", ResourceHealth("Pod", "p", health=HealthStatus.DEGRADED))
        await look(world, BAD_LOOKS + 1)
        assert (await world.now(first)).phase is Phase.RUNNING


OF_ONE = POLICY + "apps: {my-app: {environments: {production: {rollback: {automatic: 10m}}}}}\n"
OF_NONE = POLICY
OF_BOTH = WATCHED


@pytest.mark.parametrize(("text", "back"), [(OF_ONE, {"my-app"}), (OF_BOTH, {"my-app", "payments"})])
async def test_of_a_train_only_the_apps_go_back_whose_policy_says_so(tmp_path: Path, text: str, back: set[str]) -> None:
    """Nobody approves an automatic rollback: of an app whose policy knows none it would be a change by nobody."""
    async with core_world(tmp_path, text) as world:
        await add_app(world, "payments")
        asked = await train(world)
        await world.approve("bo", asked)
        sick = world.applications._apps["my-app-production"]
        world.applications.put(replace(sick, health=HealthStatus.DEGRADED))
        await look(world, BAD_LOOKS)
        after = await successor(world, await world.now(asked))
        assert {move.app for move in after.plan.moves} == back
        assert ("v1.4.2" in world.overlay("production", "payments")) is ("payments" not in back)


async def test_an_app_whose_policy_no_longer_says_so_does_not_go_back(tmp_path: Path) -> None:
    async with core_world(tmp_path, OF_ONE) as world:
        asked = await watched(world)
        sick = world.applications._apps["my-app-production"]
        world.applications.put(replace(sick, health=HealthStatus.DEGRADED))
        object.__setattr__(world.steps.follow_ups, "policy", parse(OF_NONE))
        await look(world, BAD_LOOKS)
        ended = await world.now(asked)
        assert (ended.phase, ended.successor) == (Phase.FAILED, "")
        assert world.promotion_commits() == [asked.id]


OF_TWO_TIMES = WATCHED + "apps: {payments: {environments: {production: {rollback: {automatic: 1h}}}}}\n"


@pytest.mark.parametrize(("app", "goes_back"), [("my-app", False), ("payments", True)])
async def test_of_a_train_each_app_is_watched_for_its_own_time(tmp_path: Path, app: str, *, goes_back: bool) -> None:
    async with core_world(tmp_path, OF_TWO_TIMES) as world:
        await add_app(world, "payments")
        asked = await train(world)
        await world.approve("bo", asked)
        await world.engine.pass_time(timedelta(minutes=20))
        sick = world.applications._apps[f"{app}-production"]
        world.applications.put(replace(sick, health=HealthStatus.DEGRADED))
        await look(world, BAD_LOOKS + 1)
        assert bool((await world.now(asked)).successor) is goes_back
        await world.engine.pass_time(timedelta(hours=1))
        assert (await world.now(asked)).phase is (Phase.FAILED if goes_back else Phase.SUCCEEDED)
