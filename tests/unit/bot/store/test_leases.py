"""What one replica does for all, on both databases."""

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.leases import LeaseStore, leases


async def test_a_lease_is_one_replicas_until_it_ends_or_is_given_up(database: Database) -> None:
    store = LeaseStore(database)
    assert await store.take("argo", "a", 15)
    if database.sqlite:
        assert await store.take("argo", "b", 15)  # which there is none of
        return
    assert not await store.take("argo", "b", 15)
    assert await store.take("argo", "a", 15)
    assert await store.take("other", "b", 15)
    async with database.begin() as connection:
        past = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, 1)
        await connection.execute(leases.update().where(leases.c.name == "argo").values(until=past))
    assert await store.take("argo", "b", 15)
    assert not await store.take("argo", "a", 15)
    await store.give_up("argo", "a")  # which is not its own any more
    assert not await store.take("argo", "a", 15)
    await store.give_up("argo", "b")
    assert await store.take("argo", "a", 15)
