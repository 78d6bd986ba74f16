"""Which letters may be tried: one a channel, in order for each promotion, each by one replica."""

import asyncio

import pytest

from bot.domain.event import Event
from bot.store.database import Database
from bot.store.messages import SENT, Messages, OutboxEntry, QueuedEntry
from bot.views.layout import sentence

NOW = 1_000_000.0


async def put(database: Database, *entries: tuple[str, str, Event]) -> Messages:
    messages = Messages(database)
    async with database.begin() as connection:
        for channel, promotion, event in entries:
            about = OutboxEntry("my-app", "production", promotion, event, channel, sentence(f"{promotion} {event}"))
            assert await messages.put(connection, about, NOW)
    return messages


def texts(due: tuple[QueuedEntry, ...]) -> list[str]:
    return [f"{one.entry.channel} {one.entry.message.text}" for one in due]


@pytest.fixture
async def messages(database: Database) -> Messages:
    return await put(
        database,
        ("C1", "p-1", Event.STARTED),
        ("C1", "p-1", Event.DONE),
        ("C1", "p-2", Event.STARTED),
        ("C2", "p-1", Event.STARTED),
    )


async def test_each_channel_has_one_turn_and_a_busy_one_none(messages: Messages) -> None:
    assert texts(await messages.due(NOW, 10)) == ["C1 p-1 started", "C2 p-1 started"]
    assert texts(await messages.due(NOW, 1)) == ["C1 p-1 started"]
    assert texts(await messages.due(NOW, 1, ["C1"])) == ["C2 p-1 started"]
    assert texts(await messages.due(NOW, 10, ["C1", "C2"])) == []


async def test_what_is_tried_later_holds_back_its_own_promotion_only(messages: Messages) -> None:
    first, _ = await messages.due(NOW, 10)
    assert await messages.lease(first, NOW, 45)
    await messages.again(first.id, NOW + 60, "limited")
    assert texts(await messages.due(NOW, 10)) == ["C1 p-2 started", "C2 p-1 started"]
    assert texts(await messages.due(NOW + 60, 10)) == ["C1 p-1 started", "C2 p-1 started"]


async def test_two_replicas_that_look_at_once_try_each_letter_once_and_in_order(
    database: Database, messages: Messages
) -> None:
    said: list[str] = []

    async def replica(own: Messages) -> None:
        while due := await own.due(NOW, 10):
            for one in due:
                if await own.lease(one, NOW, 45):
                    said.extend(texts((one,)))
                    await own.settle(one.id, SENT)
        assert not (await own.counts()).dead

    await asyncio.gather(replica(messages), replica(Messages(database)))
    assert sorted(said) == ["C1 p-1 done", "C1 p-1 started", "C1 p-2 started", "C2 p-1 started"]
    assert said.index("C1 p-1 started") < said.index("C1 p-1 done")
