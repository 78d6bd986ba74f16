"""Images that nobody may promote."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.safety import Rejection
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import given

rejections = sa.Table(
    "rejections",
    metadata,
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)
_THIS = given(rejections.c.app, rejections.c.digest)
_ALL = sa.select(rejections.c.state)
_FOUND = _ALL.where(_THIS)
_REJECTED = rejections.insert()
_CLEARED = rejections.delete().where(_THIS)


class RejectionStore:
    """One word for each image of an app; the newest counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, app: str, digest: str) -> Rejection | None:
        async with self._database.reading() as connection:
            return await self.find_in(connection, app, digest)

    async def find_in(self, connection: AsyncConnection, app: str, digest: str) -> Rejection | None:
        state = (await connection.execute(_FOUND, {"app": app, "digest": digest})).scalar_one_or_none()
        return load(state, Rejection) if state is not None else None

    async def reject(self, connection: AsyncConnection, rejection: Rejection) -> None:
        """In the caller's transaction."""
        await self.clear(connection, rejection.app, rejection.digest)
        values = {"app": rejection.app, "digest": rejection.digest, "state": dump(rejection)}
        await connection.execute(_REJECTED, values)

    async def clear(self, connection: AsyncConnection, app: str, digest: str) -> None:
        await connection.execute(_CLEARED, {"app": app, "digest": digest})

    async def all(self) -> tuple[Rejection, ...]:
        """Newest first."""
        async with self._database.reading() as connection:
            states = (await connection.execute(_ALL)).scalars().all()
        return tuple(sorted((load(state, Rejection) for state in states), key=lambda one: one.at, reverse=True))
