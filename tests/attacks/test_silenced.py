"""Somebody makes a channel deaf, so that nobody hears what they do next."""

import pytest

from bot.domain.errors import NotAllowed
from tests.fakes.office import Office
from tests.unit.commands.conftest import office
from tests.unit.commands.test_subscriptions import say

__all__ = ["office"]
CHANNEL = "C0TEAM"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/pilothouse mute here for 4 weeks", "muted *every app* in *every environment*"),
        ("/pilothouse mute my-app prod here for 2h", "muted *my-app* in *production*"),
        ("/pilothouse mute deployed here for 2h", "· deployed"),
        ("/unsubscribe all here", "ended this channel's subscriptions"),
        ("/unsubscribe my-app here", "ended this channel's subscriptions to *my-app*"),
        ("/subscribe my-app here", "subscribed this channel to *my-app*"),
        ("/pilothouse mute my-app here off", "unmuted *my-app*"),
    ],
)
async def test_its_readers_see_who_did_it(office: Office, line: str, said: str) -> None:
    await say(office, line)
    (told,) = await office.safety.told(CHANNEL)
    assert "<@U0BO>" in told
    assert said in told
    assert (" until <!date^" in told) is (" for " in line)


async def test_once_for_each_request_however_often_it_is_worked_on(office: Office) -> None:
    for _ in range(3):
        await say(office, "/pilothouse mute my-app here for 2h")
    assert len(await office.safety.told(CHANNEL)) == 1


@pytest.mark.parametrize("line", ["/pilothouse mute my-app for 2h", "/unsubscribe my-app", "/subscribe my-app"])
async def test_what_one_hears_oneself_is_nobodys_business(office: Office, line: str) -> None:
    await say(office, line)
    assert await office.safety.told(CHANNEL) == []


@pytest.mark.parametrize("user", ["U0CY", "U0GUS"])
async def test_who_may_not_silences_nobody_and_is_on_record(office: Office, user: str) -> None:
    with pytest.raises(NotAllowed):
        await say(office, "/pilothouse mute my-app here for 2h", user)
    assert await office.safety.events() == ["refused"]
    assert await office.safety.told(CHANNEL) == []


@pytest.mark.parametrize("wider", ["here for 2h", "my-app here for 2h", "prod here for 2h", "degraded here for 2h"])
async def test_no_longer_muted_is_said_only_where_nothing_else_mutes_it(office: Office, wider: str) -> None:
    await say(office, "/pilothouse mute my-app prod degraded here for 2h")
    await say(office, f"/pilothouse mute {wider}")
    assert "still muted" in (await say(office, "/pilothouse mute my-app prod degraded here off")).sentence


async def test_what_mutes_something_else_is_not_in_the_way(office: Office) -> None:
    for scope in ("my-app prod degraded", "my-app staging", "payments", "my-app prod deployed"):
        await say(office, f"/pilothouse mute {scope} for 2h")
    assert "no longer" in (await say(office, "/pilothouse mute my-app prod degraded off")).sentence
