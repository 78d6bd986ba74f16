"""Release trains: one blocked app does not stop the others, if somebody leaves it out."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, NotAllowed, PromotionInProgress, UnknownName
from bot.domain.intent import Adjust, Deploy, Promote
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.scan import Severity, Vulnerability
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.sentences import says
from tests.unit.bot.promotions.test_scheduler import add_app

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, POLICY) as built:
        await add_app(built, "payments")
        yield built


async def sicken(world: CoreWorld, app: str, *, well: bool = False) -> None:
    image = (await world.registry.artifact(f"{HARBOR}/{app}", "v1.4.2")).image
    found = [] if well else [Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL)]
    world.registry.finish_scan(image, *found)


async def train(world: CoreWorld) -> Promotion:
    ask = Promote(context=world.context(), apps=(), environment="production")
    asked = await world.service.start(ask, await world.person("ana"))
    await world.engine.settle()
    return asked


async def adjust(world: CoreWorld, asked: Promotion, *left_out: str, who: str = "ana") -> None:
    ask = Adjust(context=world.context(), promotion=asked.id, left_out=left_out)
    await world.service.adjust(ask, await world.person(who))
    await world.engine.settle()


async def test_an_approver_leaves_an_app_out_and_every_yes_is_asked_again(world: CoreWorld) -> None:
    asked = await train(world)
    before = (await world.now(asked)).content_hash
    await adjust(world, asked, "payments", who="bo")
    waiting = await world.now(asked)
    assert (waiting.left_out, waiting.approvals, waiting.stage) == (("payments",), (), Stage.APPROVAL)
    assert waiting.content_hash != before
    with pytest.raises(Conflict):
        await world.approve("mia", asked, before)
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.0" in world.overlay("production", "payments")
    assert any(row.actor == "U0BO" and "payments" in row.detail for row in await world.audit.rows()), (
        "it is on record who did it"
    )


@pytest.mark.parametrize("who", ["cy", "gus"])
async def test_who_may_decide_on_nothing_leaves_nothing_out(world: CoreWorld, who: str) -> None:
    asked = await train(world)
    with pytest.raises((NotAllowed, UnknownName)):
        await adjust(world, asked, "payments", who=who)
    assert (await world.now(asked)).left_out == ()


async def test_a_train_waits_for_a_blocked_app_to_be_left_out_and_goes_on_with_the_rest(world: CoreWorld) -> None:
    await sicken(world, "payments")
    asked = await train(world)
    waiting = await world.now(asked)
    assert (waiting.phase, waiting.stage, waiting.can_go_without) == (Phase.RUNNING, Stage.GATES, ("payments",))
    said = [m.shown.text for m in world.messenger.messages if m.only_for == "U0ANA"]
    assert len(said) == 1
    assert f"/adjust {asked.id} leave out payments" in said[0]
    await world.engine.pass_time(MINUTE)
    await adjust(world, asked, "payments")
    assert (await world.now(asked)).stage is Stage.APPROVAL
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.0" in world.overlay("production", "payments")
    assert len([m for m in world.messenger.messages if m.only_for == "U0ANA"]) == 1


async def test_what_blocked_it_may_also_pass(world: CoreWorld) -> None:
    await sicken(world, "payments")
    asked = await train(world)
    await sicken(world, "payments", well=True)
    await world.engine.pass_time(MINUTE)
    assert (await world.now(asked)).stage is Stage.APPROVAL


async def test_it_does_not_wait_for_ever(world: CoreWorld) -> None:
    await sicken(world, "payments")
    asked = await train(world)
    await world.engine.pass_time(timedelta(hours=2))
    ended = await world.now(asked)
    assert ended.phase is Phase.FAILED
    assert ended.outcome.startswith("Gave up waiting: scan: 1 critical")


async def test_a_train_of_which_nothing_could_go_ends_at_once(world: CoreWorld) -> None:
    await sicken(world, "payments")
    await sicken(world, "my-app")
    assert (await world.now(await train(world))).outcome.startswith("Blocked: scan: 1 critical")


async def test_an_app_that_is_blocked_right_before_the_commit_is_waited_for_too(world: CoreWorld) -> None:
    asked = await train(world)
    await sicken(world, "payments")
    await world.approve("bo", asked)
    assert (await world.now(asked)).stage is Stage.GATES
    await adjust(world, asked, "payments")
    assert (await world.now(asked)).stage is Stage.APPROVAL
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_what_the_gates_say_of_an_app_that_stays_behind_voids_nothing(world: CoreWorld) -> None:
    asked = await train(world)
    await adjust(world, asked, "payments")
    before = (await world.now(asked)).content_hash
    await sicken(world, "payments")
    await world.approve("bo", asked, before)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_an_app_that_went_by_itself_meanwhile_is_not_taken_in_again(world: CoreWorld) -> None:
    asked = await train(world)
    await adjust(world, asked, "payments")
    alone = await world.deploy("bo", app="payments")
    await adjust(world, asked)
    assert (await world.now(asked)).left_out == ("payments",)
    assert "bo is already promoting payments" in world.messenger.messages[-1].shown.text
    await world.abort("bo", alone)
    await adjust(world, asked)
    assert (await world.now(asked)).left_out == ()
    assert (await world.store.live("payments", "production")) == await world.now(asked)


async def lose(world: CoreWorld, app: str) -> None:
    """The registry no longer has what staging pins; the rest of its images stay."""
    await add_app(world, "ledger")
    images = world.registry._artifacts[f"{HARBOR}/{app}"]
    images[:] = [artifact for artifact in images if "v1.4.2" not in artifact.tags]


async def test_an_app_whose_image_is_missing_is_a_row_that_can_be_left_out(world: CoreWorld) -> None:
    """Nobody is asked while it is there; what is left goes by an approval of just that."""
    await lose(world, "payments")
    asked = await train(world)
    waiting = await world.now(asked)
    assert (waiting.stage, waiting.phase) == (Stage.GATES, Phase.RUNNING)
    assert waiting.can_go_without == ("payments",)
    [stopped] = waiting.blocked
    assert (stopped.gate, stopped.app) == ("image", "payments")
    assert says(stopped.verdict.reason, "no longer", "harbor.example.com/apps/payments v1.4.2")
    assert not world.cards.asked
    await adjust(world, asked, "payments")
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.2" in world.overlay("production", "ledger")
    assert "v1.4.2" in world.overlay("production")
    assert "v1.4.2" not in world.overlay("production", "payments")


async def test_taken_in_again_it_blocks_again_and_every_yes_is_void(world: CoreWorld) -> None:
    await lose(world, "payments")
    asked = await train(world)
    await adjust(world, asked, "payments", "ledger")
    before = (await world.now(asked)).content_hash
    await adjust(world, asked, "ledger")
    again = await world.now(asked)
    assert again.content_hash != before
    with pytest.raises(Conflict):
        await world.approve("bo", asked, before)
    assert "v1.4.2" not in world.overlay("production", "payments")
    assert not world.promotion_commits()


async def test_where_all_images_are_missing_or_there_is_one_app_nothing_starts(world: CoreWorld) -> None:
    await lose(world, "payments")
    for ask in (
        Promote(context=world.context(), apps=("payments",), environment="production"),
        Deploy(context=world.context(), app="payments", environment="production"),
    ):
        with pytest.raises(UnknownName, match="build it again"):
            await world.service.start(ask, await world.person("ana"))
    for app in ("my-app", "ledger"):
        world.registry._artifacts[f"{HARBOR}/{app}"].clear()
    with pytest.raises(UnknownName, match="build it again"):
        await train(world)
    assert not await world.store.all_live()


async def test_what_a_train_holds_of_a_missing_image_is_named(world: CoreWorld) -> None:
    await lose(world, "payments")
    await train(world)
    with pytest.raises(PromotionInProgress, match=r"already promoting payments to production \(v1.4.2, "):
        await world.deploy("bo", image="v1.4.1", app="payments")


async def test_where_nothing_would_go_but_a_missing_image_it_is_refused(world: CoreWorld) -> None:
    await lose(world, "payments")
    asked = await train(world)
    await adjust(world, asked, "my-app", "ledger")
    waiting = await world.now(asked)
    assert (waiting.left_out, waiting.stage) == ((), Stage.GATES)
    assert "At least one app must go" in world.messenger.messages[-1].shown.text


async def test_of_an_app_with_one_image_missing_the_others_do_not_go_either(world: CoreWorld) -> None:
    await add_app(world, "ledger")
    for environment, tag in {"staging": "v1.4.2", "production": "v1.4.0"}.items():
        worker = f"- name: {HARBOR}/payments-worker\n  newTag: {tag}\n".encode()
        world.overlays.push({path(environment, "payments"): kustomization(tag, "payments") + worker}, "a worker")
    asked = await train(world)
    waiting = await world.now(asked)
    assert {move.app for move in waiting.moves} == {"my-app", "ledger"}
    assert waiting.can_go_without == ("payments",)
    await adjust(world, asked, "payments")
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.2" not in world.overlay("production", "payments")


async def test_the_audit_says_of_the_commit_what_went_and_what_did_not(world: CoreWorld) -> None:
    asked = await train(world)
    await adjust(world, asked, "payments")
    await world.approve("bo", asked)
    (row,) = [row for row in await world.audit.rows() if row.event == "committed"]
    said = json.loads(row.detail)
    assert [move.partition(":")[0] for move in said["moves"]] == ["my-app"]
    assert said["left_out"] == ["payments"]
