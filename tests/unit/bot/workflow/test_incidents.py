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
from tests.fakes.world import HARBOR, POLICY, House, house, kustomization, path
from tests.views.reading import lines


async def moved_on(home: House) -> None:
    """production ran v1.4.1, and runs v1.4.2 now."""
    promotion = await home.deploy("ana")
    await home.approve("bo", promotion)
    assert (await home.now(promotion)).phase is Phase.SUCCEEDED


async def back(home: House, who: str, *, press: bool = True, reason: str = "the site is down") -> Promotion:
    caller = await home.person(who)
    ask = Rollback(
        context=home.context(), app="my-app", environment="production", reason=reason, break_glass=True
    )  # fmt: skip
    shown = (await home.service.preview(ask, caller)).plan.glass_hash if press else ""
    promotion = await home.service.start(replace(ask, shown=shown), caller)
    await home.engine.settle()
    return await home.now(promotion)


async def test_one_person_rolls_back_at_once_and_owes_a_review(home: House) -> None:
    await moved_on(home)
    done = await back(home, "dee")
    assert (done.phase, done.plan.kind, done.plan.break_glass) == (Phase.SUCCEEDED, Kind.ROLLBACK, True)
    assert not done.approvals
    assert "newTag: v1.4.1" in home.overlay("production")
    assert [review.promotion_id for review in await home.reviews.open()] == [done.id]


async def test_a_review_that_was_given_stands_on_the_card(home: House) -> None:
    await moved_on(home)
    done = await back(home, "dee")
    reviews = home.core.safety.services[ReviewService]
    ask = CloseReview(context=home.context(), promotion=done.id, note="the right call")
    await reviews.close(ask, await home.person("mia"))
    thread = await home.core.stores.messages.thread(done.id, done.plan.channel)
    assert thread is not None
    assert thread.wanted is not None
    assert "<@U0MIA> reviewed it" in str(thread.wanted.blocks)
    assert "the right call" in str(thread.wanted.blocks)


@pytest.mark.parametrize("who", ["ana", "bo", "cy"])
async def test_who_may_not_break_the_glass_rolls_back_as_ever(home: House, who: str) -> None:
    await moved_on(home)
    with pytest.raises(NotAllowed):
        await back(home, who)


async def test_nothing_starts_before_the_press(home: House) -> None:
    await moved_on(home)
    with pytest.raises(Conflict):
        await back(home, "dee", press=False)


async def test_what_a_broken_glass_skips_is_asked_and_told(home: House) -> None:
    image = (await home.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    home.registry.finish_scan(image, Vulnerability("CVE-2024-3094", "xz", "5.6.0", Severity.CRITICAL))
    ask = Deploy(
        context=home.context(), app="my-app", environment="production", reason="it burns", break_glass=True
    )  # fmt: skip
    promotion = await home.service.start(await home.shown(ask, "dee"), await home.person("dee"))
    await home.engine.settle()
    done = await home.now(promotion)
    assert done.phase is Phase.SUCCEEDED
    [against] = done.against
    assert (against.gate, against.verdict.state) == ("scan", VerdictState.BLOCKED)
    said = [line for line in lines(card(done)) if "it would have been: ⛔" in line]
    assert [against.verdict.reason in line for line in said] == [True]
    [review] = await home.reviews.open()
    assert review.against == (f"scan: {against.verdict.reason}",)
    [row, *_] = [row for row in await home.audit.rows() if row.event == "gates"]
    told = {found["gate"]: found for found in json.loads(row.detail)["results"]}
    assert told["scan"]["verdict"] == "Blocked"
    assert told["scan"]["skipped"]


async def test_an_approval_does_not_hang_on_a_gate_that_is_skipped(home: House) -> None:
    await moved_on(home)
    promotion = await home.rollback("ana")
    now = await home.now(promotion)
    flapped = tuple(
        replace(result, verdict=replace(result.verdict, state=VerdictState.WAITING, fingerprint="x"))
        if result.gate in now.plan.skipped_gates
        else result
        for result in now.results
    )
    assert flapped != now.results
    assert replace(now, results=flapped).content_hash == now.content_hash


@pytest.mark.parametrize("named", [("production", "staging"), ("staging", "development")])
async def test_nothing_is_promoted_backwards(home: House, named: tuple[str, str]) -> None:
    source, target = named
    ask = Promote(context=home.context(), apps=("my-app",), environment=target, source=source)
    with pytest.raises(InvalidCommand, match=f"`/rollback my-app {target}`"):
        await home.service.start(ask, await home.person("bo"))


async def test_policy_may_allow_one_way_back(tmp_path: Path) -> None:
    text = POLICY + (
        "environments:\n- {name: development}\n- {name: staging, backwards_from: [production]}\n- {name: production}\n"
    )
    async with house(tmp_path, text) as home:
        ask = Promote(context=home.context(), apps=("my-app",), environment="staging", source="production")
        assert (await home.service.start(ask, await home.person("bo"))).plan.source == "production"
        other = replace(ask, context=home.context(), environment="development")
        with pytest.raises(InvalidCommand):
            await home.service.start(other, await home.person("bo"))


async def test_an_app_without_the_environment_in_the_middle_comes_from_the_nearest_before(home: House) -> None:
    tags = {"development": "v2.1", "production": "v2.0"}
    home.overlays.push({path(e, "ledger"): kustomization(tag, "ledger") for e, tag in tags.items()})
    for tag in tags.values():
        home.registry.finish_scan(home.registry.push(f"{HARBOR}/ledger", tag).image)
    ask = Deploy(context=home.context(), app="ledger", environment="production")
    asked = await home.service.preview(ask, await home.person("ana"))
    assert [(move.after.tag, move.origin) for move in asked.moves] == [("v2.1", "development")]
    again = await home.service.planner.reissue(asked)
    assert [move.origin for move in again.moves] == ["development"], "else the gates of a new card would ask staging"
    train = Promote(context=home.context(), apps=(), environment="production")
    plan = (await home.service.preview(train, await home.person("ana"))).plan
    assert {move.app: move.origin for move in plan.moves} == {"ledger": "development", "my-app": ""}
    assert plan.requested_at <= datetime.now(UTC)


async def test_who_may_not_abort_is_told_the_rule(home: House) -> None:
    promotion = await home.deploy("ana")
    with pytest.raises(NotAllowed, match="Only ana, the requester, or an administrator may abort") as refused:
        await home.abort("bo", promotion)
    assert refused.value.sentence.endswith("Ask @platform-admins.")
