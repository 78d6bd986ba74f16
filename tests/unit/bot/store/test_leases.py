"""What one replica does for all, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
import sqlalchemy as sa

from bot.deliveries import observers
from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.application_record import ApplicationRecord
from bot.deliveries.observers import LeasedObserver
from bot.domain.application import Application
from bot.store.database import Database
from bot.store.leases import LeaseStore, leases
from tests.waiting import until


async def test_a_lease_is_one_replicas_until_it_ends_or_is_given_up(database: Database) -> None:
    store = LeaseStore(database)
    assert await store.take("argo", "a", 15)
    if database.sqlite:
        assert await store.take("argo", "b", 15)  # which there is none of
        return
    assert not await store.take("argo", "b", 15)
    assert await store.take("argo", "a", 15)
    assert await store.take("other", "b", 15)
    await end(database, "argo")
    assert await store.take("argo", "b", 15)
    assert not await store.take("argo", "a", 15)
    await store.give_up("argo", "a")  # which is not its own any more
    assert not await store.take("argo", "a", 15)
    await store.give_up("argo", "b")
    assert await store.take("argo", "a", 15)


async def end(database: Database, name: str) -> None:
    """As time does."""
    async with database.begin() as connection:
        past = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, 1)
        await connection.execute(leases.update().where(leases.c.name == name).values(until=past))


class Watching:
    """An observer, and its stream."""

    def __init__(self) -> None:
        self.record = ApplicationRecord("", ("production",), self)
        self.watches = False

    async def observe(self) -> None:
        self.watches = True
        try:
            await asyncio.Event().wait()
        finally:
            self.watches = False

    async def changes(self, environment: str) -> AsyncIterator[Application]:
        return
        yield

    def silence(self, environment: str) -> float:
        return 0.0

    def current(self, environment: str) -> bool:
        return True


class NoGoodbye(LeaseStore):
    """Of a replica that is killed: it gives nothing up."""

    async def give_up(self, name: str, holder: str) -> None:
        return


async def test_an_observer_that_is_killed_is_replaced_when_its_lease_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.sqlite:
        return  # one replica has it for itself
    monkeypatch.setattr(observers, "LEASE_SECONDS", 600.0)
    monkeypatch.setattr(observers, "RENEW_SECONDS", 0.05)
    one, other = Watching(), Watching()
    killed, heir = (
        LeasedObserver(cast(ApplicationObserver, one), NoGoodbye(database), "a"),
        LeasedObserver(cast(ApplicationObserver, other), LeaseStore(database), "b"),
    )
    first = asyncio.create_task(killed.observe_forever())
    await until(lambda: one.record.current)
    second = asyncio.create_task(heir.observe_forever())
    await asyncio.sleep(0.2)
    assert not other.watches
    assert not other.record.current
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.sleep(0.2)
    assert not other.watches, "the lease still runs"
    await end(database, killed._lease)
    await until(lambda: other.watches and other.record.current)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
