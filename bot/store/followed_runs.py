"""Which pipeline runs have a message that follows them, and where."""

from collections.abc import Sequence

import sqlalchemy as sa

from bot.store.database import Database, metadata

followed_runs = sa.Table(
    "followed_runs",
    metadata,
    sa.Column("run", sa.String(253), primary_key=True),
    sa.Column("channel", sa.String(255), primary_key=True),
    sa.Column("uid", sa.String(64), nullable=False, server_default=""),
)
"""`uid`: in the cluster; a name is anybody's again once its run is deleted. "" where nobody knows it"""


class FollowedRunStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def follow(self, run: str, uid: str, channel: str) -> None:
        insert = self._database.insert(followed_runs)
        row = insert.values(run=run, channel=channel, uid=uid[:64])
        row = row.on_conflict_do_update(index_elements=["run", "channel"], set_={"uid": uid[:64]})
        async with self._database.begin() as connection:
            await connection.execute(row)

    async def channels(self, run: str) -> dict[str, str]:
        """Channel → the uid of the run that is followed there under this name."""
        query = sa.select(followed_runs.c.channel, followed_runs.c.uid).where(followed_runs.c.run == run)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(followed_runs.c.channel))).all()
        return {row.channel: row.uid for row in rows}

    async def all(self) -> tuple[str, ...]:
        """The runs that have a message somewhere."""
        query = sa.select(followed_runs.c.run).distinct().order_by(followed_runs.c.run)
        async with self._database.reading() as connection:
            return tuple((await connection.execute(query)).scalars().all())

    async def forget(self, run: str, channels: Sequence[str]) -> None:
        mine = (followed_runs.c.run == run) & followed_runs.c.channel.in_(channels)
        async with self._database.begin() as connection:
            await connection.execute(followed_runs.delete().where(mine))
