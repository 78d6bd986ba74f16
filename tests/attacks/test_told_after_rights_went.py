"""Somebody asks to hear of a promotion, and loses the right to view it before it is told."""

from datetime import timedelta

import pytest

from bot.domain.caller import Person
from bot.domain.errors import Unavailable
from tests.fakes.queues import delivered
from tests.fakes.world import CoreWorld


async def told(world: CoreWorld, channel: str) -> list[str]:
    await delivered(world.core.outbox)
    return [message.shown.text for message in world.messenger.in_channel(channel)]


async def waited_for(world: CoreWorld, *people: str) -> None:
    """A promotion that ends, and who asked to hear of it."""
    promotion = await world.deploy()
    for user in people:
        await world.core.stores.subscriptions.add(promotion.id, Person(user, user))
    await world.reject("bo", promotion, "not today")


async def test_who_may_view_it_hears(world: CoreWorld) -> None:
    await waited_for(world, "U0MIA")
    assert len([text for text in await told(world, "D0MIA") if "not today" in text]) == 1


@pytest.mark.parametrize("user", ["U0GUS", "U0NOBODY"])
async def test_who_may_no_longer_view_it_or_has_left_hears_nothing(world: CoreWorld, user: str) -> None:
    await waited_for(world, user)
    assert await told(world, f"D{user[1:]}") == []


async def test_the_right_is_asked_for_when_it_is_told_not_when_it_was_put(world: CoreWorld) -> None:
    await waited_for(world, "U0MIA")
    world.directory.groups["S0RELEASE", "release-managers"] = frozenset({"U0BO"})
    assert [text for text in await told(world, "D0MIA") if "not today" in text] == []


async def test_the_requester_hears_the_end_of_what_they_asked_for(world: CoreWorld) -> None:
    world.directory.groups["S0ENG", "engineers"] = frozenset({"U0ANA"})
    promotion = await world.deploy("ana")
    world.directory.groups["S0ENG", "engineers"] = frozenset()
    await world.reject("bo", promotion, "not today")
    assert any("not today" in text for text in await told(world, "D0ANA"))


async def test_while_slack_cannot_tell_it_waits_and_is_not_lost(world: CoreWorld) -> None:
    await waited_for(world, "U0MIA")
    world.directory.down = Unavailable("Slack", "users.info", "timeout")
    assert not any("not today" in text for text in await told(world, "D0MIA"))
    world.directory.down = None
    world.engine.now += timedelta(minutes=5)
    assert any("not today" in text for text in await told(world, "D0MIA"))
