"""What people write to the bot in messages: in channels and threads behind a mention, and in direct messages."""

import asyncio
from typing import Any

import pytest

from bot.router.incoming import from_mention, is_said_to_us, spoken
from tests.unit.bot.router.conftest import Bot
from tests.waiting import until

BOT = "<@U0PILOTHOUSE>"


async def test_a_mention_is_a_command(bot: Bot) -> None:
    bot.slack.message("ana", "deployments", f"{BOT} deploy my-app prod")
    await until(lambda: bot.harness.promotions.all)
    assert bot.harness.promotions.only.plan.requester.id == "U0ANA"
    await until(lambda: bot.whispers("ana"))


async def test_inside_a_thread_the_answer_is_in_the_thread(bot: Bot) -> None:
    root = bot.slack.message("bo", "deployments", "What runs where?")
    bot.slack.message("ana", "deployments", f"{BOT} status my-app", root["ts"])
    await until(lambda: bot.whispers("ana"))
    assert bot.whispers("ana")[-1]["thread_ts"] == root["ts"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("make me a coffee", "There is no command"),
        ("depoly my-app prod", "Did you mean `deploy`"),
        ("deploy", "the whole command in one message"),
        ("deploy my-app prod tomorrow", "acts at once"),
        ("", "/deploy"),  # all that there is to say
    ],
)
async def test_what_is_not_understood_gets_help_and_never_silence(bot: Bot, said: str, answer: str) -> None:
    bot.slack.message("ana", "deployments", f"{BOT} {said}")
    await until(lambda: bot.whispers("ana"))
    assert answer in str(bot.whispers("ana")[-1])
    assert not bot.harness.promotions.all


async def test_a_direct_message_needs_no_mention(bot: Bot) -> None:
    def answers() -> list[dict[str, Any]]:
        return [message for message in bot.slack.messages("D0ANA", "ana") if message.get("bot_id")]

    bot.slack.message("ana", "D0ANA", "status my-app")
    await until(answers)
    assert "my-app" in str(answers()[-1])


async def test_who_may_not_is_refused_as_ever(bot: Bot) -> None:
    bot.slack.message("gus", "general", f"{BOT} deploy my-app prod")
    await until(lambda: bot.whispers("gus", "general"))
    assert not bot.harness.promotions.all


async def test_what_is_not_said_to_the_bot_is_none_of_its_business(bot: Bot) -> None:
    bot.slack.message("ana", "deployments", "deploy my-app prod")
    await asyncio.sleep(0.05)
    await bot.idle()
    assert not bot.whispers("ana")
    assert not bot.harness.promotions.all


@pytest.mark.parametrize(
    ("event", "ours"),
    [
        ({"type": "app_mention", "user": "U1"}, True),
        ({"type": "message", "channel_type": "im", "user": "U1"}, True),
        ({"type": "message", "channel_type": "im", "user": "U1", "subtype": "file_share"}, True),  # with a screenshot
        ({"type": "message", "channel_type": "im", "user": "U1", "subtype": "thread_broadcast"}, True),
        ({"type": "message", "channel_type": "im", "user": "U1", "subtype": "file_share", "bot_id": "B1"}, False),
        ({"type": "message", "channel_type": "im", "user": "U1", "subtype": "message_deleted"}, False),
        ({"type": "message", "channel_type": "channel", "user": "U1"}, False),
        ({"type": "message", "channel_type": "im", "user": "U1", "bot_id": "B1"}, False),  # our own answer
        ({"type": "app_mention", "user": "U1", "bot_id": "B1"}, False),  # another app's words
        ({"type": "message", "channel_type": "im", "user": "U1", "subtype": "message_changed"}, False),
        ({"type": "message", "channel_type": "im"}, False),
        ({"type": "message", "channel_type": "im", "user": {"id": "U1"}}, False),
        ({"type": "app_home_opened", "user": "U1"}, False),
    ],
)
def test_only_people_speak_to_the_bot(event: dict[str, Any], *, ours: bool) -> None:
    assert is_said_to_us(event) == ours


def test_one_message_is_one_request_however_it_is_delivered() -> None:
    """S11: events come again, and a message may come as two events."""
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "text": "<@U2> status"}
    first = from_mention({"team_id": "T1", "event_id": "Ev1", "event": event})
    again = from_mention({"team_id": "T1", "event_id": "Ev2", "event": {**event, "type": "message"}})
    assert first.request_id == again.request_id
    other = from_mention({"team_id": "T1", "event_id": "Ev1", "event": {**event, "ts": "1.2"}})
    assert other.request_id != first.request_id


@pytest.mark.parametrize(
    ("text", "direct", "said"),
    [
        ("<@U0BOT> deploy my-app prod", False, "deploy my-app prod"),
        ("<@U0BOT|pilothouse>  /deploy my-app prod", False, "deploy my-app prod"),
        ("hey <@U0BOT> status", False, "status"),
        ("status <@U0BOT>", False, "status"),
        ("<@U0BOT> delegate <@U0MIA> until fri", False, "delegate <@U0MIA> until fri"),
        ("delegate <@U0MIA> until fri", True, "delegate <@U0MIA> until fri"),
        ("/pilothouse status", True, "status"),
        ("<@U0BOT> deploy my-app prod --reason a &lt; b &amp;&amp; c", False, "deploy my-app prod --reason a < b && c"),
        ("<@U0BOT>", False, ""),
    ],
)
def test_the_command_in_a_message(text: str, *, direct: bool, said: str) -> None:
    """S6."""
    assert spoken(text, direct=direct) == said
