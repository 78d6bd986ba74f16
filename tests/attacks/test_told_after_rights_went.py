"""Somebody asks to hear of a promotion, and loses the right to view it before it is told."""

from datetime import timedelta

import pytest

from bot.domain.caller import Person
from bot.domain.errors import Unavailable
from tests.fakes.queues import delivered
from tests.fakes.world import House


async def told(home: House, channel: str) -> list[str]:
    await delivered(home.core.outbox)
    return [message.shown.text for message in home.messenger.in_channel(channel)]


async def waited_for(home: House, *people: str) -> None:
    """A promotion that ends, and who asked to hear of it."""
    promotion = await home.deploy()
    for user in people:
        await home.core.stores.subscriptions.add(promotion.id, Person(user, user))
    await home.reject("bo", promotion, "not today")


async def test_who_may_view_it_hears(home: House) -> None:
    await waited_for(home, "U0MIA")
    assert len([text for text in await told(home, "D0MIA") if "not today" in text]) == 1


@pytest.mark.parametrize("user", ["U0GUS", "U0NOBODY"])
async def test_who_may_no_longer_view_it_or_has_left_hears_nothing(home: House, user: str) -> None:
    await waited_for(home, user)
    assert await told(home, f"D{user[1:]}") == []


async def test_the_right_is_asked_for_when_it_is_told_not_when_it_was_put(home: House) -> None:
    await waited_for(home, "U0MIA")
    home.directory.groups["S0RELEASE", "release-managers"] = frozenset({"U0BO"})
    assert [text for text in await told(home, "D0MIA") if "not today" in text] == []


async def test_the_requester_hears_the_end_of_what_they_asked_for(home: House) -> None:
    home.directory.groups["S0ENG", "engineers"] = frozenset({"U0ANA"})
    promotion = await home.deploy("ana")
    home.directory.groups["S0ENG", "engineers"] = frozenset()
    await home.reject("bo", promotion, "not today")
    assert any("not today" in text for text in await told(home, "D0ANA"))


async def test_while_slack_cannot_tell_it_waits_and_is_not_lost(home: House) -> None:
    await waited_for(home, "U0MIA")
    home.directory.down = Unavailable("Slack", "users.info", "timeout")
    assert not any("not today" in text for text in await told(home, "D0MIA"))
    home.directory.down = None
    home.engine.now += timedelta(minutes=5)
    assert any("not today" in text for text in await told(home, "D0MIA"))
