"""Images that nobody may promote."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.safety import Rejection
from bot.store.codec import dump, load
from bot.store.database import Database, metadata

rejections = sa.Table(
    "rejections",
    metadata,
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)


class RejectionStore:
    """One word for each image of an app; the newest counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, app: str, digest: str) -> Rejection | None:
        async with self._database.reading() as connection:
            return await self.find_in(connection, app, digest)

    async def find_in(self, connection: AsyncConnection, app: str, digest: str) -> Rejection | None:
        query = sa.select(rejections.c.state).where(rejections.c.app == app, rejections.c.digest == digest)
        state = (await connection.execute(query)).scalar_one_or_none()
        return load(state, Rejection) if state is not None else None

    async def reject(self, connection: AsyncConnection, rejection: Rejection) -> None:
        """In the caller's transaction."""
        await self.clear(connection, rejection.app, rejection.digest)
        values = {"app": rejection.app, "digest": rejection.digest, "state": dump(rejection)}
        await connection.execute(rejections.insert().values(values))

    async def clear(self, connection: AsyncConnection, app: str, digest: str) -> None:
        await connection.execute(rejections.delete().where(rejections.c.app == app, rejections.c.digest == digest))

    async def all(self) -> tuple[Rejection, ...]:
        """Newest first."""
        async with self._database.reading() as connection:
            states = (await connection.execute(sa.select(rejections.c.state))).scalars().all()
        return tuple(sorted((load(state, Rejection) for state in states), key=lambda one: one.at, reverse=True))
