"""Shortcuts (S10, S14, S15): in the menu of a message, and in Slack's own. What they ask for is asked as if typed."""

import json
from typing import Any

import pytest

from bot.domain.caller import Target
from bot.domain.promotion import Kind
from bot.ports import Posted, Rendered, Request
from bot.router.wire import kept, readable
from bot.views import card
from integrations.slack import SlackMessenger
from tests.unit.bot.router.conftest import Bot
from tests.waiting import until


async def carded(bot: Bot, subject: str = "", who: str = "ana", line: str = "/deploy my-app staging") -> Posted:
    """A promotion whose card is in the channel, and on record there."""
    await bot.says(who, line)
    promotion = bot.harness.promotions.only
    where = await SlackMessenger(bot.api).post("C0DEPLOY", card(promotion))
    about, subject = promotion.plan.about, subject or promotion.id
    await bot.harness.safety.stores.messages.threads.placed(subject, "#deployments", where, about=about)
    return where


def state_of(view: dict[str, Any]) -> dict[str, Any]:
    """input → what stands in it when it opens"""
    return {
        block["block_id"]: (block["element"].get("initial_option") or {}).get("value")
        for block in view["blocks"]
        if block["type"] == "input"
    }


@pytest.mark.parametrize("subject", ["", "copy-"])
async def test_deploy_on_a_card_opens_the_picker_with_its_app(bot: Bot, subject: str) -> None:
    where = await carded(bot)
    if subject:
        promotion = bot.harness.promotions.only
        subject, about = f"{subject}{promotion.id}", promotion.plan.about
        await bot.harness.safety.stores.messages.threads.placed(subject, "U0ANA", where, about=about)
    assert (await bot.slack.shortcut("ana", "message.deploy", "deployments", where.ts))["acked"]
    view = await bot.view("ana", "pick.deploy")
    assert state_of(view) | {"image": None} == {
        "app": "my-app", "environment": "staging", "image": None, "start": None, "reason": None
    }  # fmt: skip


async def test_production_is_never_chosen_beforehand(bot: Bot) -> None:
    where = await carded(bot, line="/deploy my-app prod")
    await bot.slack.shortcut("ana", "message.deploy", "deployments", where.ts)
    view = await bot.view("ana", "pick.deploy")
    assert state_of(view)["app"] == "my-app"
    assert state_of(view)["environment"] is None


async def test_a_message_below_the_card_is_about_it_too(bot: Bot) -> None:
    where = await carded(bot)
    below = bot.slack.message("bo", "deployments", "is it out yet?", where.ts)
    await bot.slack.shortcut("bo", "message.status", "deployments", below["ts"])
    await until(lambda: bot.whispers("bo"))
    assert "my-app" in bot.whispers("bo")[-1]["text"]
    assert not bot.slack.views("bo")


@pytest.mark.parametrize(
    ("asked", "app", "environment"),
    [("status my-app staging", "my-app", "staging"), ("status my-app", "my-app", None), ("status", None, None)],
)
async def test_an_answer_in_a_direct_message_knows_what_it_was_asked_about(
    bot: Bot, asked: str, app: str | None, environment: str | None
) -> None:
    bot.slack.message("ana", "D0ANA", asked)
    await until(lambda: [one for one in bot.slack.messages("D0ANA", "ana") if one.get("bot_id")])
    await bot.idle()
    (answer,) = [one for one in bot.slack.messages("D0ANA", "ana") if one.get("bot_id")]
    await bot.slack.shortcut("ana", "message.deploy", "D0ANA", answer["ts"])
    state = state_of(await bot.view("ana", "pick.deploy"))
    assert (state["app"], state["environment"]) == (app, environment)


async def test_a_refusal_in_a_direct_message_tells_of_nothing(bot: Bot) -> None:
    bot.slack.message("gus", "D0GUS", "deploy my-app prod")
    await until(lambda: [one for one in bot.slack.messages("D0GUS", "gus") if one.get("bot_id")])
    await bot.idle()
    (answer,) = [one for one in bot.slack.messages("D0GUS", "gus") if one.get("bot_id")]
    assert await bot.harness.safety.stores.messages.threads.about([Posted("D0GUS", answer["ts"])]) == Target()


async def test_roll_back_on_a_card_shows_the_ways_back_and_starts_nothing(bot: Bot) -> None:
    where = await carded(bot)
    await bot.slack.shortcut("bo", "message.rollback", "deployments", where.ts)
    await until(lambda: bot.whispers("bo"))
    assert "my-app" in bot.whispers("bo")[-1]["text"]
    assert bot.harness.promotions.only.plan.kind is Kind.PROMOTION


@pytest.mark.parametrize("verb", ["deploy", "rollback", "status"])
@pytest.mark.parametrize("channel", ["deployments", ""])
async def test_elsewhere_the_picker_opens_empty(bot: Bot, verb: str, channel: str) -> None:
    said = bot.slack.message("ana", "deployments", "deploy payments prod please")
    if channel:
        await bot.slack.shortcut("ana", f"message.{verb}", channel, said["ts"])
    else:
        await bot.slack.shortcut("ana", f"global.{verb}")
    view = await bot.view("ana", f"pick.{verb}")
    assert not any(state_of(view).values())


async def test_a_foreign_message_with_the_same_time_is_not_the_card(bot: Bot) -> None:
    where = await carded(bot)
    await bot.harness.safety.stores.messages.threads.placed(
        bot.harness.promotions.only.id, "#deployments", Posted("C0OTHER", where.ts), about=Target("my-app", "staging")
    )
    await bot.slack.shortcut("ana", "message.deploy", "deployments", where.ts)
    assert not any(state_of(await bot.view("ana", "pick.deploy")).values())


@pytest.mark.parametrize("subject", ["news:0a1b:2c3d", "journey:0a1b", "run-0a1b", "run:0a1b", "locked-0123"])
@pytest.mark.parametrize(
    ("about", "app", "environment"),
    [
        (Target("my-app", "staging"), "my-app", "staging"),
        (Target("my-app"), "my-app", None),
        (Target("", "staging"), None, "staging"),
        (Target("my-app", "production"), "my-app", None),
        (Target(), None, None),
    ],
)
async def test_a_message_of_any_kind_hands_on_what_it_tells_of(
    bot: Bot, subject: str, about: Target, app: str | None, environment: str | None
) -> None:
    """News, a journey, a pipeline run, a notice: by one record of all messages."""
    where = await SlackMessenger(bot.api).post("C0DEPLOY", Rendered("Something has happened."))
    await bot.harness.safety.stores.messages.threads.placed(subject, "C0DEPLOY", where, about=about)
    await bot.slack.shortcut("ana", "message.deploy", "deployments", where.ts)
    state = state_of(await bot.view("ana", "pick.deploy"))
    assert (state["app"], state["environment"]) == (app, environment)


async def test_below_a_message_of_any_kind_it_is_about_the_same(bot: Bot) -> None:
    where = await SlackMessenger(bot.api).post("C0DEPLOY", Rendered("It is drifting."))
    about = Target("my-app", "staging")
    await bot.harness.safety.stores.messages.threads.placed("news:0a1b:2c3d", "C0DEPLOY", where, about=about)
    below = bot.slack.message("bo", "deployments", "who did that?", where.ts)
    await bot.slack.shortcut("bo", "message.status", "deployments", below["ts"])
    await until(lambda: bot.whispers("bo"))
    assert "my-app" in bot.whispers("bo")[-1]["text"]


async def test_a_global_shortcut_is_answered_in_a_direct_message(bot: Bot) -> None:
    """S14: it tells of no channel, and brings no response_url."""
    await bot.slack.shortcut("ana", "global.status")
    view = await bot.view("ana", "pick.status")
    await bot.slack.submit_view(view["id"], "ana", {"app": "my-app", "environment": "staging"})
    await until(lambda: bot.slack.messages("dm", "ana"))
    assert "my-app" in bot.slack.messages("dm", "ana")[-1]["text"]
    assert not bot.whispers("ana")


@pytest.mark.parametrize(("who", "says"), [("cy", "promote"), ("gus", "guest")])
async def test_who_may_not_is_told_so_in_the_window(bot: Bot, who: str, says: str) -> None:
    """A viewer, and a guest: the same sentence as for the command."""
    if who == "gus":  # is not in the channel
        await bot.slack.shortcut(who, "global.deploy")
    else:
        await bot.slack.shortcut(who, "message.deploy", "deployments", (await carded(bot)).ts)
    await until(lambda: bot.slack.views(who) and "One moment" not in json.dumps(bot.slack.views(who)))
    assert says in json.dumps(bot.slack.views(who)).lower()
    assert not [block for block in bot.slack.views(who)[-1]["blocks"] if block["type"] == "input"]


async def test_one_use_delivered_twice_is_one(bot: Bot) -> None:
    where = await carded(bot)
    user = {"id": "U0BO", "username": "bo", "team_id": "T0PILOT"}
    payload = {
        "user": user, "team": {"id": "T0PILOT", "domain": "pilot"}, "callback_id": "message.status",
        "trigger_id": "1.2.3", "channel": {"id": "C0DEPLOY", "name": "deployments"}, "message_ts": where.ts,
        "message": {"type": "message", "ts": where.ts, "text": "x"}, "action_ts": "1.0", "response_url": "",
    }  # fmt: skip
    for _ in range(2):
        assert (await bot.slack.deliver("message_action", payload))["acked"]
    await until(lambda: bot.whispers("bo"))
    await bot.idle()
    assert len(bot.whispers("bo")) == 1


@pytest.mark.parametrize("callback_id", ["message.abort", "message.", "deploy", "x.deploy", ""])
async def test_one_that_this_version_does_not_have_is_acknowledged_and_refused(bot: Bot, callback_id: str) -> None:
    payload = {"user": {"id": "U0ANA"}, "team": {"id": "T0PILOT"}, "callback_id": callback_id, "trigger_id": "1.2.3"}
    assert (await bot.slack.deliver("shortcut", payload))["acked"]
    await until(lambda: bot.slack.messages("dm", "ana"))
    assert "another version" in bot.slack.messages("dm", "ana")[-1]["text"]
    assert not bot.slack.views("ana")


async def test_what_was_left_is_taken_up_and_a_window_that_is_too_late_is_said(bot: Bot) -> None:
    """As every request: noted before it is acknowledged, worked off by the next process (S15: no window opens late)."""
    where = await carded(bot)
    body = {
        "type": "message_action", "user": {"id": "U0BO", "team_id": "T0PILOT"}, "callback_id": "message.deploy",
        "trigger_id": "1.2.3", "channel": {"id": "C0DEPLOY"}, "message": {"ts": where.ts}, "response_url": "",
    }  # fmt: skip
    assert readable(body)
    late = Request("r1", "shortcut", kept("shortcut", body), bot.router.inbox._clock() - 60)
    assert await bot.router.handlers.handle(late)
    await until(lambda: bot.whispers("bo"))
    assert "type the whole command" in bot.whispers("bo")[-1]["text"]
    status = kept("shortcut", {**body, "callback_id": "message.status"})
    assert await bot.router.handlers.handle(Request("r2", "shortcut", status, bot.router.inbox._clock() - 60))
    await until(lambda: len(bot.whispers("bo")) > 1)
    assert "my-app" in bot.whispers("bo")[-1]["text"]


def test_of_the_message_nothing_is_written_down_but_where_it_is() -> None:
    body = {
        "user": {"id": "U0BO", "name": "bo"}, "callback_id": "message.deploy", "trigger_id": "1",
        "message": {"ts": "1.2", "thread_ts": "1.1", "text": "hunter2", "blocks": [{"type": "x"}]},
    }  # fmt: skip
    assert "hunter2" not in kept("shortcut", body)
    assert json.loads(kept("shortcut", body))["message"] == {"ts": "1.2", "thread_ts": "1.1"}


@pytest.mark.parametrize("kind", ["shortcut", "message_action"])
@pytest.mark.parametrize("broken", [{"user": "U0ANA"}, {"trigger_id": 7}, {"message": {"ts": 1.2}}, {"channel": "C"}])
def test_what_is_not_of_slacks_shape_is_not_read(kind: str, broken: dict[str, Any]) -> None:
    whole = {"type": kind, "user": {"id": "U0ANA"}, "callback_id": "message.deploy", "trigger_id": "1"}
    assert readable(whole)
    assert not readable({**whole, **broken})
