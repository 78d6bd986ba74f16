"""Who begins what waits, and who takes it off, look at the same row one after the other."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.domain.intent import Context, Deploy
from bot.domain.queueing import Waiting
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.queue import QueueStore

WISH = Deploy(context=Context("r-1", "C0X", "c", "T0"), app="my-app", environment="production")
ONE = Waiting(WISH, "U0ANA", "T0", datetime(2026, 1, 5, tzinfo=UTC))


async def test_what_one_holds_another_takes_off_only_afterwards(database: Database) -> None:
    store, held, order = QueueStore(database), asyncio.Event(), list[str]()
    async with database.begin() as connection:
        await store.add(connection, ONE)

    async def begins() -> None:
        async with database.begin() as connection:
            assert await store.holds(connection, ONE)
            held.set()
            await asyncio.sleep(0.2)
            order.append("begun")

    async def takes_off() -> None:
        await held.wait()
        async with database.begin() as connection:
            assert await store.holds(connection, ONE)
            order.append("taken off")
            assert await store.remove(connection, ONE)

    await asyncio.gather(begins(), takes_off())
    assert order == ["begun", "taken off"]
    async with database.begin() as connection:
        assert not await store.holds(connection, ONE)


@pytest.mark.parametrize("position", ["", "a"])
async def test_one_of_two_that_stand_at_the_same_place_reads_on(database: Database, position: str) -> None:
    store, moved = DeliveryStore(database), list[str]()
    if position:
        async with database.begin() as connection:
            await store.move(connection, "git", position)

    async def reads_on(to: str) -> None:
        async with database.begin() as connection:
            if await store.position_in(connection, "git") == "a":
                await asyncio.sleep(0.1)
                await store.move(connection, "git", to)
                moved.append(to)

    await asyncio.gather(reads_on("b"), reads_on("c"))
    assert len(moved) == bool(position)
