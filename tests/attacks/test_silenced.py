"""Somebody makes a channel deaf, so that nobody hears what they do next."""

import pytest

from bot.domain.caller import Target
from bot.domain.errors import NotAllowed
from bot.domain.intent import Context
from bot.store.messages import Messages
from tests.fakes.command_harness import CommandHarness
from tests.unit.commands.conftest import harness
from tests.unit.commands.test_subscriptions import say

__all__ = ["harness"]
CHANNEL = "C0TEAM"


SUBSCRIBE = "/subscribe my-app here"
MUTE = "/pilothouse mute my-app here for 2h"


@pytest.mark.parametrize(
    ("before", "line", "said"),
    [
        ("", "/pilothouse mute here for 4 weeks", "muted *every app* in *every environment*"),
        ("", "/pilothouse mute my-app prod here for 2h", "muted *my-app* in *production*"),
        ("", "/pilothouse mute deployed here for 2h", "· deployed"),
        (SUBSCRIBE, "/unsubscribe all here", "ended this channel's subscriptions"),
        (SUBSCRIBE, "/unsubscribe my-app here", "ended this channel's subscriptions to *my-app*"),
        ("", SUBSCRIBE, "subscribed this channel to *my-app*"),
        (MUTE, "/pilothouse mute my-app here off", "unmuted *my-app*"),
    ],
)
async def test_its_readers_see_who_did_it(harness: CommandHarness, before: str, line: str, said: str) -> None:
    if before:
        await say(harness, before)
    await say(harness, line)
    (told,) = await harness.safety.told(CHANNEL)
    assert "<@U0BO>" in told
    assert said in told
    assert (" until <!date^" in told) is (" for " in line)


@pytest.mark.parametrize(
    "line", ["/unsubscribe all here", "/unsubscribe my-app here", "/pilothouse mute my-app here off"]
)
async def test_what_changed_nothing_is_not_told_as_a_change(harness: CommandHarness, line: str) -> None:
    await say(harness, "/subscribe payments here", channel="C0OTHER")
    await say(harness, "/pilothouse mute payments here for 2h", channel="C0OTHER")
    before = await harness.safety.events()
    await say(harness, line)
    assert await harness.safety.told(CHANNEL) == []
    assert await harness.safety.events() == before


@pytest.mark.parametrize("line", ["/unsubscribe all here", "/pilothouse mute my-app here off"])
async def test_what_a_process_did_that_then_died_is_told_by_the_next_one(harness: CommandHarness, line: str) -> None:
    """It is gone already, and nobody has been told."""
    ask = await harness.read(line, Context("r1", CHANNEL, "c", "T0PILOT", again=True))
    await harness.run(ask, "U0BO")
    (told,) = await harness.safety.told(CHANNEL)
    assert "<@U0BO>" in told


async def test_what_is_still_muted_is_not_told_as_unmuted(harness: CommandHarness) -> None:
    await say(harness, "/pilothouse mute here for 2h")
    await say(harness, MUTE)
    await say(harness, "/pilothouse mute my-app here off")
    (told,) = await harness.safety.told(CHANNEL)
    assert "another mute" in told


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("/pilothouse mute my-app prod here for 2h", Target("my-app", "production")),
        (SUBSCRIBE, Target("my-app")),
        ("/pilothouse mute here for 2h", Target()),
    ],
)
async def test_a_shortcut_on_what_its_readers_see_knows_what_it_is_about(
    harness: CommandHarness, line: str, about: Target
) -> None:
    await say(harness, line)
    await harness.safety.told(CHANNEL)
    (message,) = harness.safety.messenger.in_channel(CHANNEL)
    assert await Messages(harness.safety.database).threads.about([message.posted]) == about


async def test_once_for_each_request_however_often_it_is_worked_on(harness: CommandHarness) -> None:
    for _ in range(3):
        await say(harness, "/pilothouse mute my-app here for 2h")
    assert len(await harness.safety.told(CHANNEL)) == 1


@pytest.mark.parametrize("line", ["/pilothouse mute my-app for 2h", "/unsubscribe my-app", "/subscribe my-app"])
async def test_what_one_hears_oneself_is_nobodys_business(harness: CommandHarness, line: str) -> None:
    await say(harness, line)
    assert await harness.safety.told(CHANNEL) == []


@pytest.mark.parametrize("user", ["U0CY", "U0GUS"])
async def test_who_may_not_silences_nobody_and_is_on_record(harness: CommandHarness, user: str) -> None:
    with pytest.raises(NotAllowed):
        await say(harness, "/pilothouse mute my-app here for 2h", user)
    assert await harness.safety.events() == ["refused"]
    assert await harness.safety.told(CHANNEL) == []


@pytest.mark.parametrize("wider", ["here for 2h", "my-app here for 2h", "prod here for 2h", "degraded here for 2h"])
async def test_no_longer_muted_is_said_only_where_nothing_else_mutes_it(harness: CommandHarness, wider: str) -> None:
    await say(harness, "/pilothouse mute my-app prod degraded here for 2h")
    await say(harness, f"/pilothouse mute {wider}")
    assert "still covers" in (await say(harness, "/pilothouse mute my-app prod degraded here off")).sentence


async def test_what_mutes_something_else_is_not_in_the_way(harness: CommandHarness) -> None:
    for scope in ("my-app prod degraded", "my-app staging", "payments", "my-app prod deployed"):
        await say(harness, f"/pilothouse mute {scope} for 2h")
    assert "no longer" in (await say(harness, "/pilothouse mute my-app prod degraded off")).sentence
