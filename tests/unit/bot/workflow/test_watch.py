"""A promotion that is done and only watched keeps nobody from the next one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.application import HealthStatus, ResourceHealth
from bot.domain.caller import Person
from bot.domain.image import Image
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.safety import Lock, Rejection
from bot.promotions.watcher import BAD_LOOKS
from bot.store.rejections import RejectionStore
from tests.fakes.world import HARBOR, House, house, kustomization, path
from tests.unit.bot.promotions.test_scheduler import break_on_sync, policy, successor

WATCHED = policy("  rollback: {automatic: 10m}\n")
MIA = Person("U0MIA", "mia", "mia@example.com")


async def watched(home: House) -> Promotion:
    asked = await home.deploy("ana")
    await home.approve("bo", asked)
    assert (await home.now(asked)).only_watched
    return asked


async def look(home: House, times: int = 1) -> None:
    for _ in range(times):
        await home.engine.pass_time(timedelta(seconds=15))


async def test_a_watch_without_evidence_ends_well(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        asked = await watched(home)
        await home.engine.pass_time(timedelta(minutes=9))
        assert (await home.now(asked)).phase is Phase.RUNNING
        await home.engine.pass_time(timedelta(minutes=2))
        assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_the_next_promotion_takes_its_place(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        first = await watched(home)
        second = await home.deploy("mia", image="v1.4.3")
        await look(home)
        assert (await home.now(first)).phase is Phase.RUNNING  # still watched, until something changes
        await home.approve("bo", second)
        await look(home)
        assert (await home.now(first)).phase is Phase.SUCCEEDED
        assert (await home.store.live("my-app", "production")) == await home.now(second)
        assert home.promotion_commits() == [first.id, second.id]


async def test_a_person_may_roll_back_what_is_watched(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        first = await watched(home)
        back = await home.rollback("ana")
        await home.approve("bo", back)
        assert (await home.now(back)).phase is Phase.SUCCEEDED
        await look(home)
        assert (await home.now(first)).phase is Phase.SUCCEEDED


async def test_what_goes_wrong_while_somebody_acts_is_told_and_left_to_them(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        first = await watched(home)
        second = await home.deploy("mia", image="v1.4.3")
        home.alerts.fire("HighErrorRate", "errors at 20 %", app="my-app", environment="production")
        await look(home, BAD_LOOKS)
        ended = await home.now(first)
        assert (ended.phase, ended.successor) == (Phase.FAILED, "")
        assert ended.outcome.startswith("The alert HighErrorRate fires")
        assert (await home.now(second)).stage is Stage.APPROVAL


async def failed_and_rolled_back(home: House) -> Promotion:
    break_on_sync(home, "v1.4.2")
    asked = await home.deploy("ana")
    await home.approve("bo", asked)
    return asked


async def test_a_rejected_image_is_not_gone_back_to_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        old: Image = (await home.registry.artifact("harbor.example.com/apps/my-app", "v1.4.1")).image
        async with home.database.begin() as connection:
            rejection = Rejection("my-app", old.digest, "v1.4.1", MIA, "leaks", datetime.now(UTC))
            await RejectionStore(home.database).reject(connection, rejection)
        back = await home.now(await successor(home, await failed_and_rolled_back(home)))
        assert back.phase is Phase.FAILED
        assert "rejected: mia rejects v1.4.1: leaks." in back.outcome
        assert "v1.4.2" in home.overlay("production")


async def test_a_lock_that_somebody_took_holds_an_automatic_rollback(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        write = home.overlays.commit

        async def commit_then_lock(*args: object) -> object:
            made = await write(*args)  # type: ignore[arg-type]
            async with home.database.begin() as connection:
                lock = Lock("my-app", "production", MIA, "a migration", datetime.now(UTC))
                await home.locks.take(connection, lock)
            return made

        home.overlays.commit = commit_then_lock  # type: ignore[method-assign,assignment]
        back = await home.now(await successor(home, await failed_and_rolled_back(home)))
        assert back.outcome.startswith("Blocked: lock: my-app in production is locked by mia")


async def test_an_argo_cd_that_is_away_is_no_reason_to_roll_back(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED + "  follow_timeout: 1s\n") as home:
        home.applications.obeys = False
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        ended = await home.now(asked)
        assert (ended.phase, ended.successor) == (Phase.FAILED, "")


async def test_a_rollback_by_policy_goes_back_to_what_was_seen_healthy(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        await watched(home)
        await home.engine.pass_time(timedelta(minutes=11))
        home.overlays.push({path("production"): kustomization("v1.4.1")}, "by hand, and seen by nobody")
        bad = await home.deploy("ana", image="v1.4.3")
        await home.approve("bo", bad)
        home.alerts.fire("HighErrorRate", app="my-app", environment="production")
        await look(home, BAD_LOOKS)
        assert (await home.now(bad)).phase is Phase.FAILED
        await successor(home, bad)
        assert "newTag: v1.4.2 " in home.overlay("production")


async def test_the_illness_of_what_somebody_else_put_there_takes_nothing_back(tmp_path: Path) -> None:
    async with house(tmp_path, WATCHED) as home:
        first = await watched(home)
        commit = home.overlays.push({path("production"): kustomization("v1.4.3")})
        home.applications.deploy("my-app-production", commit.sha, (f"{HARBOR}/my-app:v1.4.3",))
        home.applications.sicken("my-app-production", ResourceHealth("Pod", "p", health=HealthStatus.DEGRADED))
        await look(home, BAD_LOOKS + 1)
        assert (await home.now(first)).phase is Phase.RUNNING
