"""Who wants no direct messages about approvals."""

import sqlalchemy as sa

from bot.domain.caller import Person
from bot.store.database import Database, metadata
from bot.store.statements import given, unless_there

mutes = sa.Table("mutes", metadata, sa.Column("user_id", sa.String(32), primary_key=True))
_MUTED = unless_there(mutes)
_UNMUTED = mutes.delete().where(given(mutes.c.user_id))
_ALL = sa.select(mutes.c.user_id)


class MuteStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def mute(self, person: Person) -> None:
        """Twice is once."""
        async with self._database.begin() as connection:
            await connection.execute(_MUTED.on(connection), {"user_id": person.id})

    async def unmute(self, person: Person) -> bool:
        """Whether they were muted."""
        async with self._database.begin() as connection:
            gone = await connection.execute(_UNMUTED, {"user_id": person.id})
        return bool(gone.rowcount)

    async def muted(self) -> frozenset[str]:
        """User ids."""
        async with self._database.reading() as connection:
            return frozenset((await connection.execute(_ALL)).scalars().all())
