"""Which pipeline runs have a message that follows them, and where."""

from collections.abc import Sequence

import sqlalchemy as sa

from bot.store.database import Database, metadata
from bot.store.statements import among, given, replacing

followed_runs = sa.Table(
    "followed_runs",
    metadata,
    sa.Column("run", sa.String(253), primary_key=True),
    sa.Column("channel", sa.String(255), primary_key=True),
    sa.Column("uid", sa.String(64), nullable=False, server_default=""),
)
"""`uid`: in the cluster; a name is anybody's again once its run is deleted. "" where nobody knows it"""
_FOLLOWED = replacing(followed_runs, ["run", "channel"], "uid")
_CHANNELS = (
    sa.select(followed_runs.c.channel, followed_runs.c.uid)
    .where(given(followed_runs.c.run))
    .order_by(followed_runs.c.channel)
)
_ALL = sa.select(followed_runs.c.run).distinct().order_by(followed_runs.c.run)
_FORGOTTEN = followed_runs.delete().where(given(followed_runs.c.run), among(followed_runs.c.channel, "channels"))


class FollowedRunStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def follow(self, run: str, uid: str, channel: str) -> None:
        async with self._database.begin() as connection:
            await connection.execute(_FOLLOWED.on(connection), {"run": run, "channel": channel, "uid": uid[:64]})

    async def channels(self, run: str) -> dict[str, str]:
        """Channel → the uid of the run that is followed there under this name."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_CHANNELS, {"run": run})).all()
        return {row.channel: row.uid for row in rows}

    async def all(self) -> tuple[str, ...]:
        """The runs that have a message somewhere."""
        async with self._database.reading() as connection:
            return tuple((await connection.execute(_ALL)).scalars().all())

    async def forget(self, run: str, channels: Sequence[str]) -> None:
        async with self._database.begin() as connection:
            await connection.execute(_FORGOTTEN, {"run": run, "channels": list(channels)})
