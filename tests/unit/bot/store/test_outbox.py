"""Which entries may be tried: one a channel, in order for each promotion, each by one replica."""

import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.domain.event import Event
from bot.domain.promotion import Phase
from bot.ports import Posted
from bot.store.database import Database
from bot.store.messages import Messages
from bot.store.outbox import SENT, OutboxEntry, QueuedEntry
from bot.store.promotions import promotions
from bot.store.threads import KEPT_FOR, threads
from bot.views.layout import sentence

NOW = 1_000_000.0


async def put(database: Database, *entries: tuple[str, str, Event]) -> Messages:
    messages = Messages(database)
    async with database.begin() as connection:
        for channel, promotion, event in entries:
            about = OutboxEntry(("my-app",), "production", promotion, event, channel, sentence(f"{promotion} {event}"))
            assert await messages.outbox.put(connection, about, NOW)
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
    assert texts(await messages.outbox.due(NOW, 10)) == ["C1 p-1 started", "C2 p-1 started"]
    assert texts(await messages.outbox.due(NOW, 1)) == ["C1 p-1 started"]
    assert texts(await messages.outbox.due(NOW, 1, ["C1"])) == ["C2 p-1 started"]
    assert texts(await messages.outbox.due(NOW, 10, ["C1", "C2"])) == []


async def test_what_is_tried_later_holds_back_its_own_promotion_only(messages: Messages) -> None:
    first, _ = await messages.outbox.due(NOW, 10)
    assert await messages.outbox.lease(first, NOW, 45)
    await messages.outbox.again(first.id, NOW + 60, "limited")
    assert texts(await messages.outbox.due(NOW, 10)) == ["C1 p-2 started", "C2 p-1 started"]
    assert texts(await messages.outbox.due(NOW + 60, 10)) == ["C1 p-1 started", "C2 p-1 started"]


async def test_two_replicas_that_look_at_once_try_each_entry_once_and_in_order(
    database: Database, messages: Messages
) -> None:
    said: list[str] = []

    async def replica(own: Messages) -> None:
        while due := await own.outbox.due(NOW, 10):
            for one in due:
                if await own.outbox.lease(one, NOW, 45):
                    said.extend(texts((one,)))
                    await own.outbox.settle(one.id, SENT)
        assert not (await own.outbox.counts()).dead

    await asyncio.gather(replica(messages), replica(Messages(database)))
    assert sorted(said) == ["C1 p-1 done", "C1 p-1 started", "C1 p-2 started", "C2 p-1 started"]
    assert said.index("C1 p-1 started") < said.index("C1 p-1 done")


async def test_what_no_longer_changes_is_forgotten_half_a_year_later(database: Database) -> None:
    """Not while a promotion is in progress, something waits to be said below it, or it does not show what it should."""
    messages = await put(database, ("C1", "p-waits", Event.STARTED))
    posted, longer = 1_700_000_000.0, 2_000_000_000.0
    for name in ("p-old", "p-live", "p-over", "p-waits", "p-stale", "p-new", "p-never-posted"):
        at = longer if name == "p-new" else posted
        thread = await messages.threads.want(name, "C1", sentence(name), at)
        if name == "p-never-posted":
            await messages.threads.give_up_unplaced(name, sentence(name))
            continue
        shown = "" if name == "p-stale" else thread.wanted_hash
        await messages.threads.placed(name, "C1", Posted("C1", f"{at:.6f}"), shown)
    row = {"environment": "production", "requested_at": datetime.fromtimestamp(posted, UTC), "state": "{}"}
    live = [{"id": "p-live", "phase": Phase.RUNNING, **row}, {"id": "p-over", "phase": Phase.SUCCEEDED, **row}]
    async with database.begin() as connection:
        await connection.execute(promotions.insert(), live)
    await messages.outbox.forget(posted + KEPT_FOR - 1)
    assert len(await known(database)) == 7
    await messages.outbox.forget(posted + KEPT_FOR + 100)
    assert await known(database) == {"p-live", "p-waits", "p-stale", "p-new"}


async def known(database: Database) -> set[str]:
    async with database.reading() as connection:
        return set((await connection.execute(sa.select(threads.c.promotion_id))).scalars())


async def test_a_look_for_stale_messages_does_not_read_what_they_should_show(database: Database) -> None:
    store = Messages(database).threads
    await store.want("p-1", "C1", sentence("one"), NOW, given=0.0)
    [stale] = await store.stale(NOW, 10)
    assert (stale.promotion, stale.channel, stale.stale, stale.wanted) == ("p-1", "C1", True, None)
    there = await store.thread("p-1", "C1")
    assert there is not None
    assert (there.wanted, there.wanted_hash) == (sentence("one"), stale.wanted_hash)
