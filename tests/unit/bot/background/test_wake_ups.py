"""News of other systems makes who waits for it look again, without waiting for their time to come."""

from bot.background.wake_ups import WakeUps
from bot.domain.promotion import Phase, Stage
from tests.fakes.world import HARBOR, CoreWorld


async def test_the_end_of_a_scan_wakes_the_promotion_that_waits_for_it(world: CoreWorld) -> None:
    artifact = world.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    asked = await world.deploy("ana", image="v1.5.0", to="staging")
    assert (await world.now(asked)).stage is Stage.GATES
    world.registry.finish_scan(artifact.image)
    assert await WakeUps(world.store, world.engine).image(artifact.image.digest) == 1
    await world.engine.settle()
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_the_scan_of_one_platform_wakes_who_waits_for_the_index(world: CoreWorld) -> None:
    """H27: the webhooks of an index name the digests of its platforms, never its own."""
    world.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    await world.deploy("ana", image="v1.5.0", to="staging")
    wake_ups, platform = WakeUps(world.store, world.engine), "sha256:" + "1" * 64
    assert await wake_ups.image(platform, "apps/my-app") == 1
    assert await wake_ups.image(platform, "apps/my-app-api") == 0
    assert await wake_ups.image(platform, "") == 0


async def test_a_storm_of_news_is_one_look(world: CoreWorld) -> None:
    world.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    asked = await world.deploy("ana", image="v1.5.0", to="staging")
    wake_ups = WakeUps(world.store, world.engine, clock=lambda: 1000.0)
    for _ in range(20):
        await wake_ups.place("my-app", "staging")
    await world.engine.settle()
    asked_gates = [name for name, _ in world.engine.tapes[asked.id].steps if name.startswith("gates#")]
    assert asked_gates == ["gates#1", "gates#2"]


async def test_other_peoples_news_wakes_nobody(world: CoreWorld) -> None:
    wake_ups = WakeUps(world.store, world.engine)
    world.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    await world.deploy("ana", image="v1.5.0", to="staging")
    assert await wake_ups.image("sha256:" + "0" * 64) == 0
    assert await wake_ups.place("payments", "production") == 0
    assert await wake_ups.place("my-app", "production") == 0


async def test_a_question_to_people_is_not_disturbed(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    assert await WakeUps(world.store, world.engine).place("", "") == 0
    await world.engine.signal(asked.id, "late", {"wake": True})
    await world.engine.settle()
    assert (await world.now(asked)).stage is Stage.APPROVAL
