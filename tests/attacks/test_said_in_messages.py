"""What people write around a mention of the bot is read whole: nobody deploys by a message that says not to."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.promotion import Stage
from bot.router.incoming import from_mention, spoken
from tests.fakes.command_harness import CommandHarness
from tests.unit.bot.router.test_inbox import SLASH, Life, life

__all__ = ["life"]

OWN = "U0PILOTHOUSE"
BOT = f"<@{OWN}>"


def mention(text: str, *, ts: str, who: str = "U0ANA", **event: Any) -> dict[str, Any]:
    said = {"type": "app_mention", "user": who, "text": text, "channel": "C0DEPLOY", "ts": ts, "event_ts": ts}
    known = [{"enterprise_id": None, "team_id": "T0PILOT", "user_id": OWN, "is_bot": True}]
    return {"type": "event_callback", "team_id": "T0PILOT", "event_id": "Ev1", "event": {**said, **event},
            "authorizations": known}  # fmt: skip


async def say(life: Life, text: str, ago: float = 0.0, **event: Any) -> None:
    await life.router.on_message(mention(text, ts=f"{life.now - ago:.6f}", **event), life.ack)
    await life.idle()


def did_nothing(harness: CommandHarness) -> bool:
    return not harness.promotions.asked


@pytest.mark.parametrize(
    "text",
    [
        f"please do not {BOT} deploy my-app prod",
        f"don't ask {BOT} deploy my-app prod",
        f"nobody should say {BOT} deploy my-app prod today",
        f"never {BOT} deploy my-app prod",
        f"<@U0BO> said: {BOT} deploy my-app prod",
        f"&gt; {BOT} deploy my-app prod",
        f"&gt; {BOT} deploy my-app prod\nno, please not",
        f"one says `{BOT} deploy my-app prod`",
        f"“{BOT} deploy my-app prod” is what I would say",
        f"<@U0BO> deploy my-app prod {BOT}",
        f"<@U0BO> deploy my-app prod, cc {BOT}",
        f"<@U0BO> {BOT} deploy my-app prod",
        f"what does deploy my-app prod do, {BOT}?",
        f"{BOT} deploy my-app prod is what I would not do",
        f"{BOT} <@U0BO> deploy my-app prod",
        f"i rolled back, {BOT} deploy my-app prod",
        f"\N{RIGHT-TO-LEFT OVERRIDE}ton od {BOT} deploy my-app prod",
        f"no\N{ZERO WIDTH SPACE} {BOT} deploy my-app prod",
    ],
)
async def test_words_around_a_command_are_not_overheard(life: Life, text: str) -> None:
    await say(life, text)
    assert did_nothing(life.harness)


@pytest.mark.parametrize(
    "text",
    [
        f"{BOT} deploy my-app prod",
        f"  {BOT}   /deploy my-app prod  ",
        f"<@{OWN}|pilothouse> deploy my-app prod",
        f"hey {BOT} deploy my-app prod",
        f"Hello, {BOT} deploy my-app prod",
        f"please {BOT} deploy my-app prod",
        f"deploy my-app prod {BOT}",
        f"deploy {BOT} my-app prod",
    ],
)
async def test_a_command_is_one_wherever_the_mention_stands(life: Life, text: str) -> None:
    await say(life, text)
    assert len(life.harness.promotions.asked) == 1


@pytest.mark.parametrize("command", ["approve {}", "/approve {}", "pilothouse approve {}"])
@pytest.mark.parametrize("before", ["I will not", "do not", "<@U0MIA>", "&gt;", "who may"])
async def test_nobody_approves_by_talking_about_it(life: Life, before: str, command: str) -> None:
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    only = life.harness.promotions.only
    life.harness.promotions.all[only.id] = replace(only, stage=Stage.APPROVAL)
    await say(life, f"{before} {BOT} {command.format(only.id)}", who="U0BO")
    assert not life.harness.promotions.only.approvals


@pytest.mark.parametrize("hours", [0.6, 1, 5, 24])
async def test_what_slack_delivers_hours_later_starts_nothing(life: Life, hours: float) -> None:
    """S11: an event that could not be delivered comes again; what was right then may surprise now."""
    await say(life, f"{BOT} deploy my-app prod", ago=hours * 3600)
    assert did_nothing(life.harness)


async def test_a_mention_that_is_edited_into_an_old_message_is_of_now(life: Life) -> None:
    await say(life, f"{BOT} deploy my-app prod", ago=86_400, event_ts=f"{life.now:.6f}")
    assert len(life.harness.promotions.asked) == 1


@pytest.mark.parametrize("ts", ["", "nan", "1e999", "-1.0", "9" * 400, "inf", "0x10.0", "١٢٣.٤"])
def test_a_time_that_is_none_is_not_read(ts: str) -> None:
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": ts, "text": f"{BOT} status"}
    assert from_mention({"team_id": "T1", "event": event}).at == 0.0


@pytest.mark.parametrize(
    "named",
    [
        None,
        [],
        "x",
        {},
        [1],
        [{}],
        [{"is_bot": True}],
        [{"is_bot": False, "user_id": OWN}],
        [{"is_bot": True, "user_id": 1}],
    ],
)
@pytest.mark.parametrize(
    ("text", "said"),
    [(f"{BOT} status", "status"), (f"do not {BOT} deploy", "do not deploy"), ("<@U0BO> deploy", "deploy")],
)
def test_where_slack_does_not_say_who_we_are_the_first_mention_is_ours(named: object, text: str, said: str) -> None:
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "text": text}
    assert from_mention({"team_id": "T1", "event": event, "authorizations": named}).typed == said


def test_a_mention_of_somebody_else_in_a_direct_message_stays() -> None:
    assert spoken("delegate <@U0MIA> until fri", direct=True, own=OWN) == "delegate <@U0MIA> until fri"
    assert spoken(f"not {BOT} deploy my-app prod", direct=True, own=OWN) == f"not {BOT} deploy my-app prod"


async def test_a_typed_yes_that_comes_much_later_is_for_nothing_that_was_seen(life: Life) -> None:
    """Who presses a card says yes to what it showed; who types an id, to what it holds when that is read."""
    await life.router.on_command(SLASH, life.ack, life.respond)
    await life.idle()
    only = life.harness.promotions.only
    life.harness.promotions.all[only.id] = replace(only, stage=Stage.APPROVAL)
    typed = {**SLASH, "command": "/approve", "text": only.id, "user_id": "U0BO", "trigger_id": "1.2.9"}
    await life.router.on_command(typed, life.ack, life.respond)
    after = await life.next(3 * 3600)
    await asyncio.sleep(0)
    assert not life.harness.promotions.only.approvals
    assert "Ask again" in after.said[-1]
