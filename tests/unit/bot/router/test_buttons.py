"""Buttons: a press only says which thing is meant; what may be done is decided on what the server knows."""

import asyncio
import json
from dataclasses import replace

import pytest

from bot.domain.caller import Caller
from bot.domain.errors import Refused
from bot.domain.intent import Approve, Deploy, Rollback
from bot.domain.promotion import Phase, Promotion, Stage
from bot.ports import Posted
from bot.views import card
from integrations.sandbox.slack.delivery import Answer, SlackDelivery
from integrations.slack import SlackMessenger
from tests.unit.bot.router.conftest import Bot
from tests.waiting import until


async def posted(bot: Bot, who: str = "ana") -> Posted:
    """A promotion that waits for approval, with its card."""
    await bot.says(who, "/deploy my-app prod")
    return await SlackMessenger(bot.api).post("C0DEPLOY", card(bot.harness.promotions.only))


async def test_approve_is_the_pressers_own_yes_to_what_the_card_shows(bot: Bot) -> None:
    where = await posted(bot)
    pressed = await bot.slack.act("bo", "deployments", where.ts, label="Approve")
    assert pressed["acked"]
    await until(lambda: bot.harness.promotions.only.approvals)
    (yes,) = bot.harness.promotions.only.approvals
    assert yes.approver.id == "U0BO"
    assert yes.content_hash == bot.harness.promotions.only.content_hash
    await bot.idle()
    assert not bot.whispers("bo")


@pytest.mark.parametrize(
    ("who", "says"),
    [("ana", "You do not have the `approve` permission"), ("cy", "You do not have the `approve` permission")],
)
async def test_who_may_not_approve_is_told_so_alone(bot: Bot, who: str, says: str) -> None:
    where = await posted(bot)
    before = len(bot.whispers(who))
    await bot.slack.act(who, "deployments", where.ts, label="Approve")
    await until(lambda: len(bot.whispers(who)) > before)
    assert says in bot.whispers(who)[-1]["text"]
    assert not bot.whispers("mia")
    assert not bot.harness.promotions.only.approvals


async def test_nobody_approves_their_own(bot: Bot) -> None:
    where = await posted(bot, "bo")
    before = len(bot.whispers("bo"))
    await bot.slack.act("bo", "deployments", where.ts, label="Approve")
    await until(lambda: len(bot.whispers("bo")) > before)
    assert "cannot approve it" in bot.whispers("bo")[-1]["text"]


async def test_rights_are_those_of_the_moment_of_the_press(bot: Bot) -> None:
    where = await posted(bot)
    bot.harness.directory.groups[("S0RELEASE", "release-managers")] = frozenset({"U0MIA"})
    await bot.slack.act("bo", "deployments", where.ts, label="Approve")
    await until(lambda: bot.whispers("bo"))
    assert not bot.harness.promotions.only.approvals


@pytest.mark.parametrize(
    "value",
    [
        "",
        "p-1",
        "{}",
        "[]",
        json.dumps({"p": "p-1", "h": ""}),
        json.dumps({"p": ["p-1"], "h": "x"}),
        json.dumps({"p": "p-1", "h": "x", "as": "U0DEE"}),
        json.dumps({"p": "../../x", "h": "x"}),
        "[" * 10_000,
    ],
)
async def test_a_tampered_value_is_acknowledged_and_does_nothing(bot: Bot, value: str) -> None:
    """S17."""
    where = await posted(bot)
    pressed = await bot.slack.act("bo", "deployments", where.ts, label="Approve", value=value, forged=True)
    assert pressed["acked"]
    await bot.idle()
    assert not bot.harness.promotions.only.approvals


async def test_a_hash_of_something_else_is_a_stale_card(bot: Bot) -> None:
    where = await posted(bot)
    value = json.dumps({"p": bot.harness.promotions.only.id, "h": "0" * 64})
    await bot.slack.act("bo", "deployments", where.ts, label="Approve", value=value, forged=True)
    await until(lambda: bot.whispers("bo"))
    assert "stale" in bot.whispers("bo")[-1]["text"]
    assert not bot.harness.promotions.only.approvals


async def test_the_second_of_two_yeses_is_told_that_it_is_decided(bot: Bot) -> None:
    """S17: a button is not disabled by being pressed."""
    where = await posted(bot)
    await asyncio.gather(
        bot.slack.act("bo", "deployments", where.ts, label="Approve"),
        bot.slack.act("mia", "deployments", where.ts, label="Approve"),
    )
    await until(lambda: bot.whispers("bo") or bot.whispers("mia"))
    await bot.idle()
    assert len(bot.harness.promotions.only.approvals) == 1


async def test_one_press_delivered_twice_is_one_press(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    where = await posted(bot)
    calls = []
    original = bot.harness.promotions.approve

    async def counted(ask: Approve, caller: Caller) -> Promotion:
        calls.append(ask)
        return await original(ask, caller)

    monkeypatch.setattr(bot.harness.promotions, "approve", counted)
    deliver = bot.slack.transport.deliver

    async def twice(delivery: SlackDelivery) -> Answer:
        await deliver(delivery)
        return await deliver(delivery)

    monkeypatch.setattr(bot.slack.transport, "deliver", twice)
    await bot.slack.act("bo", "deployments", where.ts, label="Approve")
    await until(lambda: calls)
    await bot.idle()
    assert len(calls) == 1
    assert not bot.whispers("bo")


async def test_abort_is_for_who_asked(bot: Bot) -> None:
    where = await posted(bot)
    await bot.slack.act("bo", "deployments", where.ts, label="Abort")
    await until(lambda: bot.whispers("bo"))
    assert bot.harness.promotions.only.phase is Phase.RUNNING
    await bot.slack.act("ana", "deployments", where.ts, label="Abort")
    await until(lambda: bot.harness.promotions.only.phase is Phase.ABORTED)


async def test_rejecting_asks_why_and_the_reason_reaches_the_promotion(bot: Bot) -> None:
    """S15, S16."""
    where = await posted(bot)
    await bot.slack.act("bo", "deployments", where.ts, label="Reject")
    form = await bot.view("bo", "reject")
    metadata = json.loads(form["private_metadata"])
    assert metadata["p"] == bot.harness.promotions.only.id
    assert metadata["channel"] == "C0DEPLOY"
    assert (await bot.slack.submit_view(form["id"], "bo", {"reason": "  "}))["errors"].keys() == {"reason"}
    assert (await bot.slack.submit_view(form["id"], "bo", {"reason": "too risky"}))["ok"]
    await until(lambda: bot.harness.promotions.only.rejection)
    rejection = bot.harness.promotions.only.rejection
    assert rejection
    assert (rejection.by.id, rejection.reason) == ("U0BO", "too risky")


async def test_who_may_not_reject_is_told_in_the_modal(bot: Bot) -> None:
    where = await posted(bot)
    await bot.slack.act("cy", "deployments", where.ts, label="Reject")
    await until(lambda: "permission" in json.dumps(bot.slack.views("cy")))
    view = await bot.view("cy")
    assert "submit" not in view or not view["submit"]


async def test_a_decided_promotion_cannot_be_rejected_any_more(bot: Bot) -> None:
    where = await posted(bot)
    only = bot.harness.promotions.only
    bot.harness.promotions.all[only.id] = replace(only, phase=Phase.SUCCEEDED, stage=Stage.DONE)
    await bot.slack.act("bo", "deployments", where.ts, label="Reject")
    await until(lambda: "has been decided already" in json.dumps(bot.slack.views("bo")))


async def test_rejecting_is_authorised_again_at_the_submit(bot: Bot) -> None:
    where = await posted(bot)
    await bot.slack.act("bo", "deployments", where.ts, label="Reject")
    form = await bot.view("bo", "reject")
    bot.harness.directory.groups[("S0RELEASE", "release-managers")] = frozenset()
    assert (await bot.slack.submit_view(form["id"], "bo", {"reason": "too risky"}))["ok"]
    await until(lambda: bot.whispers("bo"))
    assert "You do not have the `view` permission" in bot.whispers("bo")[-1]["text"]
    assert bot.harness.promotions.only.rejection is None


async def test_a_modal_that_the_person_closes_meanwhile_bothers_nobody(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = await posted(bot)
    goes_on = asyncio.Event()
    original = bot.harness.promotions.get

    async def slow(promotion_id: str) -> Promotion:
        await goes_on.wait()
        return await original(promotion_id)

    monkeypatch.setattr(bot.harness.promotions, "get", slow)
    await bot.slack.act("bo", "deployments", where.ts, label="Reject")
    loading = await bot.view("bo")
    await bot.slack.close_view(loading["id"], "bo")
    goes_on.set()
    await bot.idle()
    assert not bot.whispers("bo")


async def test_a_window_that_slack_does_not_open_is_explained(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """S15: a trigger that is three seconds old."""
    where = await posted(bot)

    async def expired(*_: object) -> str:
        raise Refused("Slack", "views.open", "expired_trigger_id")

    monkeypatch.setattr(bot.router._answers._modals, "open", expired)
    await bot.slack.act("bo", "deployments", where.ts, label="Reject")
    await until(lambda: bot.whispers("bo"))
    assert "type the whole command" in bot.whispers("bo")[-1]["text"]


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("promotion.rollback", Rollback),
        ("rollback.pick#3", Rollback),
        ("promotion.retry", Deploy),
    ],
)
async def test_buttons_that_name_an_image_start_from_it(bot: Bot, action: str, asked: type) -> None:
    value = json.dumps({"app": "my-app", "env": "staging", "to": "1.4.0"})
    where = await with_button(bot, action, value)
    await bot.slack.act("ana", "deployments", where, action)
    await until(lambda: bot.harness.promotions.asked)
    (ask,) = bot.harness.promotions.asked
    assert isinstance(ask, asked)
    assert "1.4.0" in (getattr(ask, "to", ""), getattr(ask, "image", ""))


@pytest.mark.parametrize("action", ["run.show#1", "run.logs", "run.cancel", "run.retry"])
async def test_buttons_of_runs_name_a_run(bot: Bot, action: str) -> None:
    where = await with_button(bot, action, json.dumps({"run": "gone"}))
    await bot.slack.act("ana", "deployments", where, action)
    await until(lambda: bot.whispers("ana"))
    assert "There is no pipeline run `gone`" in bot.whispers("ana")[-1]["text"]


async def test_a_button_of_another_version_is_explained(bot: Bot) -> None:
    where = await with_button(bot, "promotion.celebrate", "{}")
    await bot.slack.act("ana", "deployments", where, "promotion.celebrate")
    await until(lambda: bot.whispers("ana"))
    assert "another version" in bot.whispers("ana")[-1]["text"]


async def test_a_link_button_is_acknowledged_and_nothing_more(bot: Bot) -> None:
    """S17."""
    where = await with_button(bot, "link", "", url="https://example.com")
    assert (await bot.slack.act("ana", "deployments", where, "link"))["acked"]
    await bot.idle()
    assert not bot.whispers("ana")


async def test_a_stopping_bot_takes_no_presses_any_more(bot: Bot) -> None:
    where = await posted(bot)
    bot.router.closed = True
    assert (await bot.slack.act("bo", "deployments", where.ts, label="Approve"))["acked"]
    await until(lambda: bot.whispers("bo"))
    assert "restarting" in bot.whispers("bo")[-1]["text"]
    assert not bot.harness.promotions.only.approvals


async def with_button(bot: Bot, action: str, value: str, **more: str) -> str:
    """A message with one button; its ts."""
    button = {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": "Press"}, **more}
    blocks = [{"type": "actions", "elements": [button | ({"value": value} if value else {})]}]
    answer = await bot.api.write("chat.postMessage", channel="C0DEPLOY", text="a card", blocks=blocks)
    return str(answer["ts"])
