"""Which replicas are alive: each one beats, and the others see when it stops. Postgres only, and by its clock.

The replicas' own clocks may differ by more than the silence that a dead one is known by, so none of them is asked.
"""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.store.database import Database, metadata

replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
)


class ReplicaStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, name: str) -> None:
        """This replica is alive."""
        upsert = insert(replicas).values(name=name, beat_at=sa.func.now())
        beat = upsert.on_conflict_do_update(index_elements=["name"], set_={"beat_at": sa.func.now()})
        async with self._database.begin() as connection:
            await connection.execute(beat)

    async def silent(self, longer_than: timedelta) -> tuple[str, ...]:
        """Those that have not been heard of for so long."""
        query = sa.select(replicas.c.name).where(replicas.c.beat_at < sa.func.now() - longer_than)
        async with self._database.begin() as connection:
            return tuple((await connection.execute(query.order_by(replicas.c.name))).scalars().all())

    async def names(self) -> tuple[str, ...]:
        """Those that have beaten and were not forgotten."""
        async with self._database.reading() as connection:
            return tuple((await connection.execute(sa.select(replicas.c.name))).scalars().all())

    async def forget(self, name: str, longer_than: timedelta) -> None:
        """It is gone, unless it has been heard of meanwhile."""
        same = (replicas.c.name == name) & (replicas.c.beat_at < sa.func.now() - longer_than)
        async with self._database.begin() as connection:
            await connection.execute(replicas.delete().where(same))
