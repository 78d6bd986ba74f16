"""Incidents: one person goes back at once and somebody else looks afterwards; what was skipped is told all the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, InvalidCommand, NotAllowed
from bot.domain.intent import CloseReview, Deploy, Promote, Rollback
from bot.domain.promotion import Kind, Phase, Promotion, VerdictState
from bot.domain.scan import Severity, Vulnerability
from bot.safety.reviews import ReviewService
from bot.views import card
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.views.reading import lines


async def moved_on(world: CoreWorld) -> None:
    """production ran v1.4.1, and runs v1.4.2 now."""
    promotion = await world.deploy("ana")
    await world.approve("bo", promotion)
    assert (await world.now(promotion)).phase is Phase.SUCCEEDED


async def back(world: CoreWorld, who: str, *, press: bool = True, reason: str = "the site is down") -> Promotion:
    caller = await world.person(who)
    ask = Rollback(
        context=world.context(), app="my-app", environment="production", reason=reason, break_glass=True
    )  # fmt: skip
    shown = (await world.service.preview(ask, caller)).plan.glass_hash if press else ""
    promotion = await world.service.start(replace(ask, shown=shown), caller)
    await world.engine.settle()
    return await world.now(promotion)


async def test_one_person_rolls_back_at_once_and_owes_a_review(world: CoreWorld) -> None:
    await moved_on(world)
    done = await back(world, "dee")
    assert (done.phase, done.plan.kind, done.plan.break_glass) == (Phase.SUCCEEDED, Kind.ROLLBACK, True)
    assert not done.approvals
    assert "newTag: v1.4.1" in world.overlay("production")
    assert [review.promotion_id for review in await world.reviews.open()] == [done.id]


async def test_a_review_that_was_given_stands_on_the_card(world: CoreWorld) -> None:
    await moved_on(world)
    done = await back(world, "dee")
    reviews = world.core.safety.services[ReviewService]
    ask = CloseReview(context=world.context(), promotion=done.id, note="the right call")
    await reviews.close(ask, await world.person("mia"))
    thread = await world.core.stores.messages.threads.thread(done.id, done.plan.channel)
    assert thread is not None
    assert thread.wanted is not None
    assert "<@U0MIA> reviewed it" in str(thread.wanted.blocks)
    assert "the right call" in str(thread.wanted.blocks)


@pytest.mark.parametrize("who", ["ana", "bo", "cy"])
async def test_who_may_not_break_the_glass_rolls_back_as_ever(world: CoreWorld, who: str) -> None:
    await moved_on(world)
    with pytest.raises(NotAllowed):
        await back(world, who)


async def test_nothing_starts_before_the_press(world: CoreWorld) -> None:
    await moved_on(world)
    with pytest.raises(Conflict):
        await back(world, "dee", press=False)


async def test_what_a_broken_glass_skips_is_asked_and_told(world: CoreWorld) -> None:
    image = (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    world.registry.finish_scan(image, Vulnerability("CVE-2024-3094", "xz", "5.6.0", Severity.CRITICAL))
    ask = Deploy(
        context=world.context(), app="my-app", environment="production", reason="it burns", break_glass=True
    )  # fmt: skip
    promotion = await world.service.start(await world.shown(ask, "dee"), await world.person("dee"))
    await world.engine.settle()
    done = await world.now(promotion)
    assert done.phase is Phase.SUCCEEDED
    [against] = done.against
    assert (against.gate, against.verdict.state) == ("scan", VerdictState.BLOCKED)
    said = [line for line in lines(card(done)) if "it would have been: ⛔" in line]
    assert [against.verdict.reason in line for line in said] == [True]
    [review] = await world.reviews.open()
    assert review.against == (f"scan: {against.verdict.reason}",)
    [row, *_] = [row for row in await world.audit.rows() if row.event == "gates"]
    told = {found["gate"]: found for found in json.loads(row.detail)["results"]}
    assert told["scan"]["verdict"] == "Blocked"
    assert told["scan"]["skipped"]


async def test_an_approval_does_not_hang_on_a_gate_that_is_skipped(world: CoreWorld) -> None:
    await moved_on(world)
    promotion = await world.rollback("ana")
    now = await world.now(promotion)
    flapped = tuple(
        replace(result, verdict=replace(result.verdict, state=VerdictState.WAITING, fingerprint="x"))
        if result.gate in now.plan.skipped_gates
        else result
        for result in now.results
    )
    assert flapped != now.results
    assert replace(now, results=flapped).content_hash == now.content_hash


@pytest.mark.parametrize("named", [("production", "staging"), ("staging", "development")])
async def test_nothing_is_promoted_backwards(world: CoreWorld, named: tuple[str, str]) -> None:
    source, target = named
    ask = Promote(context=world.context(), apps=("my-app",), environment=target, source=source)
    with pytest.raises(InvalidCommand, match=f"`/rollback my-app {target}`"):
        await world.service.start(ask, await world.person("bo"))


async def test_policy_may_allow_one_way_back(tmp_path: Path) -> None:
    text = POLICY + (
        "environments:\n- {name: development}\n- {name: staging, backwards_from: [production]}\n- {name: production}\n"
    )
    async with core_world(tmp_path, text) as world:
        ask = Promote(context=world.context(), apps=("my-app",), environment="staging", source="production")
        assert (await world.service.start(ask, await world.person("bo"))).plan.source == "production"
        other = replace(ask, context=world.context(), environment="development")
        with pytest.raises(InvalidCommand):
            await world.service.start(other, await world.person("bo"))


async def test_an_app_without_the_environment_in_the_middle_comes_from_the_nearest_before(world: CoreWorld) -> None:
    tags = {"development": "v2.1", "production": "v2.0"}
    world.overlays.push({path(e, "ledger"): kustomization(tag, "ledger") for e, tag in tags.items()})
    for tag in tags.values():
        world.registry.finish_scan(world.registry.push(f"{HARBOR}/ledger", tag).image)
    ask = Deploy(context=world.context(), app="ledger", environment="production")
    asked = await world.service.preview(ask, await world.person("ana"))
    assert [(move.after.tag, move.origin) for move in asked.moves] == [("v2.1", "development")]
    again = await world.service.planner.reissue(asked)
    assert [move.origin for move in again.moves] == ["development"], "else the gates of a new card would ask staging"
    train = Promote(context=world.context(), apps=(), environment="production")
    plan = (await world.service.preview(train, await world.person("ana"))).plan
    assert {move.app: move.origin for move in plan.moves} == {"ledger": "development", "my-app": ""}
    assert plan.requested_at <= datetime.now(UTC)
    world.overlays.push({path(e, "shop"): kustomization(tag, "shop") for e, tag in tags.items()})
    plan = (await world.service.preview(train, await world.person("ana"))).plan
    assert [(one.app, one.origin) for one in plan.missing] == [("shop", "development")]


async def test_who_may_not_abort_is_told_the_rule(world: CoreWorld) -> None:
    promotion = await world.deploy("ana")
    with pytest.raises(NotAllowed, match="Only ana, the requester, or an administrator may abort") as refused:
        await world.abort("bo", promotion)
    assert refused.value.sentence.endswith("Ask @platform-admins.")
