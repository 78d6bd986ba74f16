"""The glass breaks only for who was shown what that skips, and pressed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, NotAllowed, UserError
from bot.domain.intent import Context, Deploy, IfBusy, Promote
from bot.domain.promotion import Phase, Promotion
from bot.domain.reply import GlassAsked
from bot.policy import parse
from bot.promotions.scheduler import Scheduler
from bot.router.buttons import read_button
from bot.views import render
from bot.views.ids import encode
from bot.views.queueing import wish_value
from tests.fakes.command_harness import CommandHarness
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.unit.bot.grammar.test_words import read
from tests.views.samples import plan, promotion

CONTEXT = Context("r9", "C0DEPLOY", "c9", "T0PILOT")
TYPED = [
    "/deploy my-app prod ! it burns",
    "/deploy my-app prod --break-glass it burns",
    "/deploy my-app@1.4.2 prod --break-glass --reason it burns",
    "/promote my-app payments to prod ! it burns",
    "/promote all to prod ! sure=true, yes I am sure",
]


@pytest.mark.parametrize("line", TYPED)
async def test_whoever_types_it_is_asked_and_nothing_starts(line: str) -> None:
    harness = CommandHarness()
    answered = await harness.run(line, "U0DEE")
    assert isinstance(answered, GlassAsked)
    assert not harness.promotions.all
    shown = str(render(answered).blocks)
    assert "the approval" in shown
    assert "promotion.break-glass" in shown
    assert "Break the glass?" in shown


@pytest.mark.parametrize("line", [*TYPED, "/deploy my-app prod ! sure", "/deploy my-app prod --break-glass --sure x"])
def test_no_typed_word_says_that_somebody_is_sure(line: str) -> None:
    try:
        intent = read(line)
    except UserError:
        return
    assert isinstance(intent, Deploy | Promote)
    assert not intent.shown


ENVIRONMENTS = """
environments:
  - {name: development}
  - {name: staging}
  - {name: production, break_glass: {skip_gates: [lock]}}
"""
WISHES: list[Deploy | Promote] = [
    Deploy(context=CONTEXT, app="my-app", environment="production", reason="it burns", break_glass=True),
    Promote(context=CONTEXT, apps=("my-app", "ledger"), environment="production", reason="it burns", break_glass=True),
]


@pytest.mark.parametrize("wish", WISHES)
def test_the_button_asks_for_the_wish_and_the_plan_that_were_shown(wish: Deploy | Promote) -> None:
    broken = promotion(plan=plan(break_glass=True, reason="it burns"))
    blocks = render(GlassAsked(broken, wish)).blocks
    (button,) = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    assert read_button(button, CONTEXT) == replace(wish, shown=broken.plan.glass_hash)


def test_a_wish_that_nobody_was_shown_comes_back_as_one_that_is_refused_never_as_an_ordinary_one() -> None:
    pressed = {"action_id": "promotion.break-glass", "value": encode(wish_value(WISHES[0]))}
    asked = read_button(pressed, CONTEXT)
    assert isinstance(asked, Deploy)
    assert asked.break_glass
    assert asked.shown != plan(break_glass=True).glass_hash


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


def glass(world: CoreWorld, **said: str) -> Deploy:
    usual = {"app": "my-app", "environment": "production", "reason": "it burns"} | said
    return Deploy(context=world.context(), break_glass=True, **usual)  # type: ignore[arg-type]


async def other_source(world: CoreWorld) -> None:
    """What would be deployed is another image by now."""
    world.overlays.push({path("staging"): kustomization("v1.4.3")}, "staging moves on")


async def other_target(world: CoreWorld) -> None:
    """What would be replaced is another image by now."""
    world.overlays.push({path("production"): kustomization("v1.4.0")}, "by hand")


async def moved_tag(world: CoreWorld) -> None:
    """The same tag is another image by now."""
    newest = (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.3")).image
    world.registry.push(f"{HARBOR}/my-app", "v1.4.2", digest=newest.digest)


async def other_repository(world: CoreWorld) -> None:
    text = kustomization("v1.4.1") + f"  newName: {HARBOR}/other\n".encode()
    world.overlays.push({path("production"): text}, "another repository")
    for tag in ("v1.4.1", "v1.4.2"):
        world.registry.push(
            f"{HARBOR}/other", tag, digest=(await world.registry.artifact(f"{HARBOR}/my-app", tag)).image.digest
        )


async def other_gates(world: CoreWorld) -> None:
    """Policy lets a broken glass skip another gate by now."""
    changed = parse(POLICY + ENVIRONMENTS)
    object.__setattr__(world.service.planner, "_policy", changed)


@pytest.mark.parametrize("change", [other_source, other_target, moved_tag, other_repository, other_gates])
async def test_what_changed_between_the_question_and_the_press_is_asked_again(
    world: CoreWorld, change: Callable[[CoreWorld], Awaitable[None]]
) -> None:
    dee = await world.person("dee")
    asked = await world.shown(glass(world), "dee")
    await change(world)
    with pytest.raises(Conflict, match=r"has changed since.*Type the command again"):
        await world.service.start(asked, dee)
    assert not await world.store.all_live()
    again = await world.service.start(await world.shown(glass(world), "dee"), dee)
    assert again.plan.break_glass


async def test_what_was_shown_is_what_starts_though_somebody_changed_another_line(world: CoreWorld) -> None:
    asked = await world.shown(glass(world), "dee")
    world.overlays.push({"README.md": b"words"}, "unrelated")
    started = await world.service.start(asked, await world.person("dee"))
    assert started.plan.glass_hash == asked.shown


@pytest.mark.parametrize("shown", ["", "!", "0" * 64, "true"])
async def test_a_forged_press_starts_nothing(world: CoreWorld, shown: str) -> None:
    with pytest.raises(Conflict):
        await world.service.start(replace(glass(world), shown=shown), await world.person("dee"))
    train = Promote(
        context=world.context(), apps=(), environment="production", reason="x", break_glass=True, shown=shown
    )
    with pytest.raises(Conflict):
        await world.service.start(train, await world.person("dee"))
    assert not await world.store.all_live()


@pytest.mark.parametrize("other", [{"image": "v1.4.3"}, {"environment": "staging"}])
async def test_the_hash_of_one_wish_opens_no_other(world: CoreWorld, other: dict[str, str]) -> None:
    """A forged button: the hash that was shown, beside another wish."""
    asked = await world.shown(glass(world), "dee")
    with pytest.raises(Conflict):
        await world.service.start(replace(glass(world, **other), shown=asked.shown), await world.person("dee"))


async def test_a_press_by_somebody_who_may_not_break_it_starts_nothing(world: CoreWorld) -> None:
    asked = await world.shown(glass(world), "dee")
    with pytest.raises(NotAllowed):
        await world.service.start(asked, await world.person("ana"))


async def test_a_line_that_moves_after_the_press_ends_it_and_nothing_takes_its_place_unasked(world: CoreWorld) -> None:
    asked = await world.shown(glass(world), "dee")
    started = await world.service.start(asked, await world.person("dee"))
    await other_target(world)
    await world.engine.settle()
    done = await world.now(started)
    assert (done.phase, done.successor) == (Phase.FAILED, "")
    assert not await world.store.all_live()
    assert not world.promotion_commits()


# Behind another promotion.


async def occupied(world: CoreWorld, if_busy: IfBusy) -> tuple[Promotion, Deploy]:
    """ana's promotion asks for an approval, and dee has been shown what broken glass would skip."""
    wish = await world.shown(replace(glass(world), if_busy=if_busy), "dee")
    return await world.deploy("ana", image="v1.4.2"), wish


async def test_the_glass_does_not_break_hours_later_when_another_promotion_ends(world: CoreWorld) -> None:
    first, wish = await occupied(world, IfBusy.QUEUE)
    with pytest.raises(UserError, match="does not wait"):
        await Scheduler(world.service, world.core.queue).start(wish, await world.person("dee"))
    await world.engine.pass_time(timedelta(hours=5))
    assert (await world.now(first)).phase is Phase.FAILED
    assert await world.core.queue.start_next() == 0
    assert world.promotion_commits() == []


async def test_it_breaks_at_once_in_the_place_of_what_it_replaces(world: CoreWorld) -> None:
    first, wish = await occupied(world, IfBusy.REPLACE)
    await Scheduler(world.service, world.core.queue).start(wish, await world.person("dee"))
    await world.engine.settle()
    assert (await world.now(first)).phase is Phase.ABORTED
    assert await world.core.queue.start_next() == 1
    await world.engine.settle()
    assert len(world.promotion_commits()) == 1


async def test_nor_when_what_it_replaces_takes_long_to_end(world: CoreWorld) -> None:
    first, wish = await occupied(world, IfBusy.REPLACE)
    await Scheduler(world.service, world.core.queue).start(wish, await world.person("dee"))
    await world.engine.settle()
    assert (await world.now(first)).phase is Phase.ABORTED
    world.engine.now += timedelta(minutes=6)
    assert await world.core.queue.start_next() == 0
    assert world.promotion_commits() == []
    assert await world.core.stores.queue.all() == ()


async def test_no_button_offers_to_break_it_later(world: CoreWorld) -> None:
    _, wish = await occupied(world, IfBusy.REFUSE)
    reply = await Scheduler(world.service, world.core.queue).start(wish, await world.person("dee"))
    shown = str(render(reply).blocks)
    assert "Replace it" in shown
    assert "Queue behind it" not in shown
    assert "--queue" not in shown
