"""Which pipeline runs have a message that follows them, and where."""

import sqlalchemy as sa

from bot.store.database import Database, metadata

followed_runs = sa.Table(
    "followed_runs",
    metadata,
    sa.Column("run", sa.String(253), primary_key=True),
    sa.Column("channel", sa.String(255), primary_key=True),
)


class FollowedRunStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def follow(self, run: str, channel: str) -> None:
        insert = self._database.insert(followed_runs)
        row = insert.values(run=run, channel=channel).on_conflict_do_nothing()
        async with self._database.begin() as connection:
            await connection.execute(row)

    async def channels(self, run: str) -> tuple[str, ...]:
        query = sa.select(followed_runs.c.channel).where(followed_runs.c.run == run)
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query.order_by(followed_runs.c.channel))).scalars().all())

    async def all(self) -> tuple[str, ...]:
        """The runs that have a message somewhere."""
        query = sa.select(followed_runs.c.run).distinct().order_by(followed_runs.c.run)
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars().all())

    async def forget(self, run: str) -> None:
        async with self._database.begin() as connection:
            await connection.execute(followed_runs.delete().where(followed_runs.c.run == run))
