"""News of other systems makes who waits for it look again, without waiting for their time to come."""

from bot.background.wake_ups import WakeUps
from bot.domain.promotion import Phase, Stage
from tests.fakes.world import HARBOR, House


async def test_the_end_of_a_scan_wakes_the_promotion_that_waits_for_it(home: House) -> None:
    artifact = home.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    asked = await home.deploy("ana", image="v1.5.0", to="staging")
    assert (await home.now(asked)).stage is Stage.GATES
    home.registry.finish_scan(artifact.image)
    assert await WakeUps(home.store, home.engine).image(artifact.image.digest) == 1
    await home.engine.settle()
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_the_scan_of_one_platform_wakes_who_waits_for_the_index(home: House) -> None:
    """H27: the webhooks of an index name the digests of its platforms, never its own."""
    home.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    await home.deploy("ana", image="v1.5.0", to="staging")
    wake_ups, platform = WakeUps(home.store, home.engine), "sha256:" + "1" * 64
    assert await wake_ups.image(platform, "apps/my-app") == 1
    assert await wake_ups.image(platform, "apps/my-app-api") == 0
    assert await wake_ups.image(platform, "") == 0


async def test_a_storm_of_news_is_one_look(home: House) -> None:
    home.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    asked = await home.deploy("ana", image="v1.5.0", to="staging")
    wake_ups = WakeUps(home.store, home.engine, clock=lambda: 1000.0)
    for _ in range(20):
        await wake_ups.place("my-app", "staging")
    await home.engine.settle()
    asked_gates = [name for name, _ in home.engine.tapes[asked.id].steps if name.startswith("gates#")]
    assert asked_gates == ["gates#1", "gates#2"]


async def test_other_peoples_news_wakes_nobody(home: House) -> None:
    wake_ups = WakeUps(home.store, home.engine)
    home.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    await home.deploy("ana", image="v1.5.0", to="staging")
    assert await wake_ups.image("sha256:" + "0" * 64) == 0
    assert await wake_ups.place("payments", "production") == 0
    assert await wake_ups.place("my-app", "production") == 0


async def test_a_question_to_people_is_not_disturbed(home: House) -> None:
    asked = await home.deploy("ana")
    assert await WakeUps(home.store, home.engine).place("", "") == 0
    await home.engine.signal(asked.id, "late", {"wake": True})
    await home.engine.settle()
    assert (await home.now(asked)).stage is Stage.APPROVAL
