"""Buttons of a story's turns: boxes of a train, the queue, being told when it is ready."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.age import Older
from bot.domain.errors import InvalidCommand
from bot.domain.intent import Adjust, Context, Deploy, IfBusy, Promote, Rollback, Wish
from bot.domain.promotion import GateResult, Stage, Verdict
from bot.ports import Posted
from bot.promotions.promotions import OlderImage
from bot.router.buttons import read_button, read_ticks
from bot.views import card
from bot.views.ids import encode
from bot.views.queueing import wish_value
from integrations.slack import SlackMessenger
from tests.sentences import says
from tests.unit.bot.router.conftest import Bot
from tests.waiting import until

CONTEXT = Context("r1", "C0DEPLOY", "c1", "T0PILOT")
APPS = ("my-app", "payments", "ledger")


async def train(bot: Bot) -> Posted:
    """A train of three apps that ana has asked for, with its card."""
    await bot.says("ana", f"/promote {' '.join(APPS)} to prod")
    return await SlackMessenger(bot.api).post("C0DEPLOY", card(bot.harness.promotions.only))


async def test_an_unticked_app_stays_behind_and_a_ticked_one_goes_again(bot: Bot) -> None:
    where = await train(bot)
    await bot.slack.act("ana", "deployments", where.ts, "promotion.adjust", value=["my-app", "ledger"])
    await until(lambda: bot.harness.promotions.only.left_out == ("payments",))
    await SlackMessenger(bot.api).update(where, card(bot.harness.promotions.only))
    await bot.slack.act("ana", "deployments", where.ts, "promotion.adjust", value=["payments", "ledger"])
    await until(lambda: bot.harness.promotions.only.left_out == ("my-app",))
    await bot.idle()
    assert len(bot.whispers("ana")) == 1, "only that the train is under way"


async def test_nobody_else_changes_the_set(bot: Bot) -> None:
    where = await train(bot)
    await bot.slack.act("bo", "deployments", where.ts, "promotion.adjust", value=["my-app"])
    await until(lambda: bot.whispers("bo"))
    assert "may adjust it" in bot.whispers("bo")[-1]["text"]
    assert bot.harness.promotions.only.left_out == ()


async def test_a_train_without_apps_is_refused(bot: Bot) -> None:
    where = await train(bot)
    await bot.slack.act("ana", "deployments", where.ts, "promotion.adjust", value=[])
    await until(lambda: len(bot.whispers("ana")) > 1)
    assert "At least one app must go" in bot.whispers("ana")[-1]["text"]


def ticks(selected: list[str], offered: list[str], **action: Any) -> dict[str, Any]:
    block_id = "ticks/p-1/abc/0"
    pressed = {
        "type": "checkboxes",
        "action_id": "promotion.adjust",
        "block_id": block_id,
        "selected_options": [{"value": app} for app in selected],
        **action,
    }
    boxes = [{"value": app} for app in offered]
    elements = [{"type": "checkboxes", "options": boxes, "initial_options": boxes[1:]}]
    return {
        "actions": [pressed],
        "message": {"blocks": [{"type": "section"}, {"block_id": block_id, "elements": elements}]},
    }


def test_boxes_speak_only_for_what_was_offered_beside_them() -> None:
    """Of an app in the next ten, nothing is said."""
    asked = read_ticks(ticks(["a"], ["a", "b"]), CONTEXT)
    assert asked == Adjust(context=CONTEXT, promotion="p-1", left_out=("b",), taken_in=("a",))


@pytest.mark.parametrize(
    "body",
    [
        ticks(["c"], ["a", "b"]),
        ticks(["a"], ["a"], block_id="elsewhere"),
        ticks(["a"], ["a"], block_id="ticks//x/0"),
        ticks(["a"], ["a"], action_id="promotion.approve"),
        ticks(["a"], ["a"], action_id="unknown"),
        {**ticks(["a"], ["a"]), "message": {}},
    ],
)
def test_boxes_that_this_bot_never_made(body: dict[str, Any]) -> None:
    """S17."""
    with pytest.raises(InvalidCommand):
        read_ticks(body, CONTEXT)


@pytest.mark.parametrize(
    "wish",
    [
        Deploy(
            context=CONTEXT,
            app="my-app",
            environment="production",
            image="1.4.2",
            reason="why",
            break_glass=True,
            shown="0" * 64,
        ),
        Promote(context=CONTEXT, apps=APPS, environment="production", source="staging"),
        Promote(context=CONTEXT, apps=(), environment="production", reason="all of them"),
        Rollback(context=CONTEXT, app="my-app", environment="production", to="1.4.0"),
    ],
)
@pytest.mark.parametrize(
    "planned", [{}, {"older": "f" * 64, "when_open": True}, {"start_at": datetime(2026, 1, 2, 22, tzinfo=UTC)}]
)
@pytest.mark.parametrize(("action", "if_busy"), [("queue", IfBusy.QUEUE), ("replace", IfBusy.REPLACE)])
def test_a_refused_wish_comes_back_whole(wish: Wish, action: str, if_busy: IfBusy, planned: dict[str, Any]) -> None:
    """With its time, and with what was confirmed: else the turn of an older image would come and be refused."""
    wish = replace(wish, **planned)
    pressed = {"action_id": f"promotion.{action}", "value": encode(wish_value(wish))}
    assert read_button(pressed, CONTEXT) == replace(wish, if_busy=if_busy)


@pytest.mark.parametrize(
    "wish",
    [
        Deploy(context=CONTEXT, app="my-app", environment="production", image="1.4.0", reason="why"),
        Deploy(context=CONTEXT, app="my-app", environment="production", image="1.4.0", when_open=True),
        Deploy(
            context=CONTEXT, app="my-app", environment="production", start_at=datetime(2026, 1, 2, 22, tzinfo=UTC),
            if_busy=IfBusy.QUEUE,
        ),
        Promote(context=CONTEXT, apps=APPS, environment="production", source="staging", if_busy=IfBusy.REPLACE),
        Promote(context=CONTEXT, apps=(), environment="production", reason="all of them"),
    ],
)  # fmt: skip
def test_a_wish_for_an_older_image_comes_back_whole_and_confirmed(wish: Wish) -> None:
    confirmed = replace(wish, older="f" * 64)
    pressed = {"action_id": "promotion.older", "value": encode(wish_value(confirmed))}
    assert read_button(pressed, CONTEXT) == confirmed


@pytest.mark.parametrize("if_busy", IfBusy)
def test_broken_glass_that_is_to_wait_or_to_replace_does_so_after_the_press(if_busy: IfBusy) -> None:
    wish = Deploy(
        context=CONTEXT, app="my-app", environment="production", reason="it burns", break_glass=True, shown="0" * 64,
        if_busy=if_busy,
    )  # fmt: skip
    pressed = {"action_id": "promotion.break-glass", "value": encode(wish_value(wish))}
    assert read_button(pressed, CONTEXT) == wish


def test_a_button_of_an_earlier_version_still_asks_again() -> None:
    """S17: messages of any age."""
    value = '{"verb":"deploy","apps":"my-app","env":"production","to":"1.4.2","from":"","why":"why","!":""}'
    wish = Deploy(context=CONTEXT, app="my-app", environment="production", image="1.4.2", reason="why")
    for action, if_busy in (("queue", IfBusy.QUEUE), ("break-glass", IfBusy.REFUSE)):
        assert read_button({"action_id": f"promotion.{action}", "value": value}, CONTEXT) == replace(
            wish, if_busy=if_busy
        )
    with pytest.raises(InvalidCommand):
        read_button({"action_id": "promotion.older", "value": value}, CONTEXT)


@pytest.mark.parametrize(
    "forged",
    [
        {"older": ""},
        {"start": "22:00"},
        {"start": "2026-01-02T22:00:00"},
        {"if_busy": ""},
        {"if_busy": "now"},
        {"verb": "lock"},
        {"verb": ""},
    ],
)
def test_what_no_button_has_carried_is_not_read(forged: dict[str, str]) -> None:
    good = wish_value(Deploy(context=CONTEXT, app="my-app", environment="production", older="f" * 64))
    with pytest.raises(InvalidCommand):
        read_button({"action_id": "promotion.older", "value": encode(replace(good, **forged))}, CONTEXT)


async def test_an_older_image_is_confirmed_by_a_press_and_not_by_a_word(bot: Bot) -> None:
    """Over real sockets: nothing starts before it, and the press asks for the same again."""
    plan = bot.harness.promotions._plan(
        Deploy(context=CONTEXT, app="my-app", environment="production"), await bot.harness.caller("U0ANA")
    )
    older = replace(plan, moves=tuple(replace(move, older=(Older.PUSHED, Older.VERSION)) for move in plan.moves))
    bot.harness.promotions.failing = OlderImage("It is older.", older)
    assert "Nothing has started" in await bot.says("ana", "/deploy my-app@1.4.0 prod --reason older")
    assert not bot.harness.promotions.all
    bot.harness.promotions.failing = None
    await bot.slack.act("ana", "deployments", bot.whispers("ana")[-1]["ts"], label="Deploy the older image")
    await until(lambda: bool(bot.harness.promotions.all))
    [asked] = bot.harness.promotions.asked
    assert (asked.named_image, asked.reason, asked.older) == ("1.4.0", "older", older.glass_hash)


async def test_the_second_person_is_told_about_the_first_and_may_wait(bot: Bot) -> None:
    await bot.says("ana", "/deploy my-app prod")
    said = await bot.says("bo", "/deploy my-app@1.4.0 prod")
    assert "is on its way to production already" in said
    ts = bot.whispers("bo")[-1]["ts"]
    await bot.slack.act("bo", "deployments", ts, label="Show it")
    await until(lambda: len(bot.whispers("bo")) == 2)
    assert bot.whispers("bo")[-1]["text"].startswith("my-app → production")
    await bot.slack.act("bo", "deployments", ts, label="Queue behind it")
    await until(lambda: bot.harness.queue.waiting)
    [(waiting, behind)] = bot.harness.queue.waiting
    assert isinstance(waiting.wish, Deploy)
    assert (waiting.user, waiting.wish.image, waiting.first) == ("U0BO", "1.4.0", False)
    assert behind == bot.harness.promotions.only.id
    await until(lambda: len(bot.whispers("bo")) == 3)
    assert "Yours starts when" in bot.whispers("bo")[-1]["text"]


async def test_replacing_asks_once_more_and_is_for_who_may_abort(bot: Bot) -> None:
    await bot.says("ana", "/deploy my-app prod")
    await bot.says("bo", "/deploy my-app prod")
    ts = bot.whispers("bo")[-1]["ts"]
    dismissed = await bot.slack.act("bo", "deployments", ts, label="Replace it", confirm=False)
    assert dismissed["cancelled"]
    await bot.slack.act("bo", "deployments", ts, label="Replace it")
    await until(lambda: len(bot.whispers("bo")) == 2)
    assert "may abort it" in bot.whispers("bo")[-1]["text"]
    assert not bot.harness.queue.waiting


async def test_whoever_waits_for_a_gate_can_ask_to_be_told(bot: Bot) -> None:
    await bot.says("ana", "/deploy my-app prod")
    only = bot.harness.promotions.only
    waits = GateResult("soak", "my-app", Verdict.waiting("4 of 10 min", retry_after=timedelta(minutes=1)))
    bot.harness.promotions.all[only.id] = waiting = replace(only, stage=Stage.GATES, results=(waits,))
    where = await SlackMessenger(bot.api).post("C0DEPLOY", card(waiting))
    await bot.slack.act("cy", "deployments", where.ts, label="Notify me when ready")
    await until(lambda: bot.whispers("cy"))
    assert says(bot.whispers("cy")[-1]["text"], "message", "gates pass")
    assert bot.harness.subscribers.asked == {(only.id, "U0CY")}


async def test_the_keyboard_does_the_same(bot: Bot) -> None:
    await bot.says("ana", "/promote my-app payments to prod")
    id = bot.harness.promotions.only.id
    before = len(bot.whispers("ana"))
    await bot.slack.command("ana", "deployments", f"/adjust {id} leave out payments")
    await until(lambda: bot.harness.promotions.only.left_out == ("payments",))
    assert len(bot.whispers("ana")) == before
    assert (await bot.says("ana", f"/adjust {id} take in paymnets")).startswith("`paymnets` is not in this train.")
    assert "Say which apps" in await bot.says("ana", f"/adjust {id} remove payments")
    assert "nothing left to wait for" in await bot.says("ana", f"/notify {id}")


async def test_the_glass_is_broken_by_the_press_and_not_by_the_word(bot: Bot) -> None:
    """Over real sockets, from the typed word to the press."""
    said = await bot.says("dee", "/deploy my-app prod ! it burns")
    assert "Nothing has started" in said
    assert not bot.harness.promotions.all
    ts = bot.whispers("dee")[-1]["ts"]
    await bot.slack.act("dee", "deployments", ts, label="Break the glass")
    await until(lambda: bool(bot.harness.promotions.all))
