"""Somebody breaks a file of another environment or app: nobody is kept from going back, from an emergency, or from the
rest of a train, and nothing passes by it.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.intent import Deploy
from bot.domain.promotion import Kind, Phase, Promotion, Stage, VerdictState
from bot.domain.scan import Severity, Vulnerability
from bot.gates.soak import SoakGate
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.sentences import says
from tests.unit.bot.promotions.test_scheduler import add_app
from tests.unit.bot.workflow.test_overtaken import overlay_watch
from tests.unit.bot.workflow.test_trains import adjust, train

SOAK = POLICY + "environments: [{name: development}, {name: staging}, {name: production, gates: {soak: {for: 1m}}}]\n"
BROKEN = b"images: [\n"
SAID = "apps/my-app/overlays/staging/kustomization.yaml line 2 is not valid YAML"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, SOAK) as built:
        await add_app(built, "payments")
        yield built


def broken(world: CoreWorld, app: str = "my-app") -> None:
    world.overlays.push({path("staging", app): BROKEN}, "a mistake")


async def back(world: CoreWorld) -> Promotion:
    world.overlays.push({path("production"): kustomization("v1.4.0")})
    world.engine.now += timedelta(hours=1)
    world.overlays.push({path("production"): kustomization("v1.4.3")})
    broken(world)
    asked = await world.rollback("ana")
    assert asked.plan.kind is Kind.ROLLBACK
    return asked


async def test_production_goes_back_though_staging_cannot_be_read(world: CoreWorld) -> None:
    asked = await back(world)
    waiting = await world.now(asked)
    assert waiting.stage is Stage.APPROVAL
    assert next(r.verdict.reason for r in waiting.against if r.gate == "soak").startswith(SAID)
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_broken_glass_needs_nothing_of_staging(world: CoreWorld) -> None:
    ask = Deploy(context=world.context(), app="my-app", environment="production", image="v1.4.2", break_glass=True,
                 reason="customers cannot pay")  # fmt: skip
    wish = await world.shown(ask, "dee")
    broken(world)
    asked = await world.service.start(wish, await world.person("dee"))
    await world.engine.settle()
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_a_skipped_gate_that_breaks_stops_nothing(world: CoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(self: SoakGate, question: object) -> None:
        raise TypeError("a mistake")

    monkeypatch.setattr(SoakGate, "ask", ask)
    asked = await back(world)
    waiting = await world.now(asked)
    [told] = [r.verdict for r in waiting.against if r.gate == "soak"]
    assert told.state is VerdictState.BLOCKED
    assert says(told.reason, "soak broke", "the log")
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_a_promotion_is_blocked_by_it_and_every_reason_is_told(world: CoreWorld) -> None:
    image = (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    world.registry.finish_scan(image, Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL))
    broken(world)
    done = await world.now(await world.deploy("ana", image="v1.4.2"))
    assert (done.phase, done.commit) == (Phase.FAILED, None)
    assert done.outcome.startswith("Blocked: scan: 1 critical")
    assert f"soak: {SAID}" in done.outcome


async def test_a_train_goes_on_without_the_app_whose_file_breaks_on_the_way(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY) as world:
        await add_app(world, "payments")
        asked = await train(world)
        assert (await world.now(asked)).stage is Stage.APPROVAL
        broken(world, "payments")
        await world.approve("bo", asked)
        waiting = await world.now(asked)
        assert (waiting.phase, waiting.stage, waiting.can_go_without) == (Phase.RUNNING, Stage.GATES, ("payments",))
        await adjust(world, asked, "payments")
        await world.approve("bo", asked)
        done = await world.now(asked)
        assert (done.phase, done.left_out) == (Phase.SUCCEEDED, ("payments",))
        assert "v1.4.0" in world.overlay("production", "payments")


async def test_a_line_that_cannot_be_read_hides_no_other_that_has_moved(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY) as world:
        await add_app(world, "payments")
        asked = [await world.deploy("ana", app=app) for app in ("my-app", "payments")]
        world.overlays.push({path("production"): BROKEN})
        world.overlays.push({path("production", "payments"): kustomization("v1.3.9", "payments")})
        assert await overlay_watch(world).look() == 2
        await world.engine.settle()
        broken_line, moved = [await world.now(one) for one in asked]
        assert (broken_line.phase, moved.phase) == (Phase.FAILED, Phase.FAILED)
        assert "is not valid YAML" in broken_line.outcome
        assert "now shows v1.3.9" in moved.outcome
