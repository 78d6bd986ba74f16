"""One hold of several is over: nobody is told that the way is free while another holds it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.caller import Person
from bot.domain.intent import AwaitLock, Context, Deploy
from bot.domain.overlay import Change, Commit
from bot.domain.promotion import Phase, Stage
from bot.domain.reply import Postponed, Reply, Told
from bot.domain.safety import Lock, Rejection
from bot.views import render
from tests.fakes.command_harness import CommandHarness
from tests.fakes.world import POLICY, core_world, kustomization, path
from tests.sentences import says
from tests.unit.commands.conftest import harness
from tests.views.samples import promotion

__all__ = ["harness"]
CHANNEL = "C0DEPLOY"
MIA = Person("U0MIA", "mia")
ALL_OF_IT = "/lock prod the audit"


async def say(harness: CommandHarness, number: int, line: str, user: str = "U0BO") -> Reply:
    return await harness.run(await harness.read(line, Context(f"r{number}", CHANNEL, "c", "T0PILOT")), user)


async def sentence(harness: CommandHarness, number: int, line: str, user: str = "U0BO") -> str:
    reply = await say(harness, number, line, user)
    assert isinstance(reply, Told)
    return reply.sentence


async def test_unlocked_while_all_of_the_environment_is_locked(harness: CommandHarness) -> None:
    await say(harness, 1, "/lock my-app prod a migration", "U0ANA")
    await harness.run(AwaitLock(context=Context("w", CHANNEL, "c", "T0PILOT"), app="my-app", environment="production"))
    await say(harness, 2, ALL_OF_IT, "U0MIA")
    assert "mia has locked all of production" in await sentence(harness, 3, "/unlock my-app prod", "U0ANA")
    (waited,) = await harness.safety.told("U0BO")
    assert "not free" in waited
    assert "<@U0MIA>" in waited
    assert says(str(await harness.safety.told(CHANNEL)), "*production*", "still locked", "<@U0MIA>")


async def test_the_lock_that_one_would_wait_for_is_gone_and_another_holds_it(harness: CommandHarness) -> None:
    await say(harness, 1, ALL_OF_IT, "U0MIA")
    ask = AwaitLock(context=Context("w", CHANNEL, "c", "T0PILOT"), app="my-app", environment="production")
    reply = await harness.run(ask)
    assert isinstance(reply, Told)
    assert "mia has locked all of production" in reply.sentence


async def test_a_freeze_is_ended_while_all_of_the_environment_is_frozen(harness: CommandHarness) -> None:
    await say(harness, 1, "/freeze my-app prod for 1h a sale", "U0DEE")
    await say(harness, 2, "/freeze prod for 4h holidays", "U0DEE")
    assert "dee has frozen all of production" in await sentence(harness, 3, "/unfreeze my-app prod", "U0DEE")
    assert "still frozen" in str(await harness.safety.told(CHANNEL))


async def test_the_last_one_is_over(harness: CommandHarness) -> None:
    """Said of the freeze, not of the place: a window of the policy or a lock may hold that."""
    await say(harness, 1, "/freeze my-app prod for 1h a sale", "U0DEE")
    said = await sentence(harness, 2, "/unfreeze my-app prod", "U0DEE")
    assert says(said, "my-app in production", "over")
    assert "but" not in said
    told = str(await harness.safety.told(CHANNEL))
    assert "ended the freeze" in told
    assert "open again" not in told


async def test_a_rejection_is_taken_back_while_another_app_rejects_the_same_image(harness: CommandHarness) -> None:
    at, digest = datetime(2026, 1, 5, tzinfo=UTC), "sha256:" + "a" * 64
    async with harness.safety.database.begin() as connection:
        for app in ("my-app", "payments"):
            one = Rejection(app, digest, "1.4.2", MIA, "it leaks", at)
            await harness.safety.stores.rejections.reject(connection, one)
    said = await sentence(harness, 1, "/unreject my-app@1.4.2")
    assert "rejected for another app" in said
    assert "may be promoted again" not in said
    told = str(await harness.safety.told(CHANNEL))
    assert "may be promoted again" not in told
    assert "still rejects the same image" in told
    assert "payments" not in said + told


def test_what_starts_later_does_not_promise_todays_image() -> None:
    """Nobody has named one: what goes is what is in git when it starts."""
    asked = promotion(Stage.GATES)
    wish = Deploy(
        context=Context("r", CHANNEL, "c"), app="my-app", environment="production",
        start_at=datetime(2026, 1, 5, 22, tzinfo=UTC),
    )  # fmt: skip
    later = render(Postponed(asked, wish)).text
    assert f"what {asked.plan.source} has in git at that time" in later
    named = render(Postponed(asked, replace(wish, image="v1.4.2"))).text
    assert "in git then" not in named


OWNERS_PASS = POLICY + (
    "environments:\n- {name: development}\n- {name: staging}\n"
    "- {name: production, gates: {lock: {owner_passes: true}}}\n"
)


async def test_ones_own_lock_does_not_open_an_environment_that_somebody_else_has_locked(tmp_path: Path) -> None:
    async with core_world(tmp_path, OWNERS_PASS) as world:
        ana, dee = (await world.person("ana")).person, (await world.person("dee")).person
        own = Lock("my-app", "production", ana, "why", world.engine.now)
        everything = Lock("", "production", dee, "why", world.engine.now)
        async with world.database.begin() as connection:
            await world.locks.take(connection, own)
        assert (await world.now(await world.deploy("ana"))).stage is Stage.APPROVAL
        async with world.database.begin() as connection:
            await world.locks.take(connection, everything)
        [asked] = await world.store.all_live()
        await world.approve("bo", asked)
        stopped = await world.now(asked)
        assert (stopped.phase, world.promotion_commits()) == (Phase.FAILED, [])
        assert "locked by dee" in stopped.outcome


async def test_the_lock_of_a_rollback_takes_the_place_of_nobodys(tmp_path: Path) -> None:
    """Somebody locks the app while it goes back, to look at it: another rollback would pass the automatic lock, and
    everybody may release that.
    """
    async with core_world(tmp_path) as world:
        for number, tag in enumerate(("v1.4.0", "v1.4.3")):
            world.overlays.push({path("production"): kustomization(tag)}, f"by hand {number}")
            world.engine.now += timedelta(hours=1)
        asked = await world.rollback("ana")
        own = Lock("my-app", "production", (await world.person("dee")).person, "I look at it", world.engine.now)
        push = world.overlays.commit

        async def commit(change: Change, expected_head: str) -> Commit:
            made = await push(change, expected_head)
            async with world.database.begin() as connection:
                await world.locks.take(connection, own)
            return made

        world.overlays.commit = commit  # type: ignore[method-assign]
        await world.approve("bo", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED
        assert await world.locks.all() == (own,)
