"""Who wants no direct messages about approvals."""

import sqlalchemy as sa

from bot.domain.caller import Person
from bot.store.database import Database, metadata

mutes = sa.Table("mutes", metadata, sa.Column("user_id", sa.String(32), primary_key=True))


class MuteStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def mute(self, person: Person) -> None:
        """Twice is once."""
        insert = self._database.insert(mutes)
        async with self._database.begin() as connection:
            await connection.execute(insert.values(user_id=person.id).on_conflict_do_nothing())

    async def unmute(self, person: Person) -> bool:
        """Whether they were muted."""
        async with self._database.begin() as connection:
            gone = await connection.execute(mutes.delete().where(mutes.c.user_id == person.id))
        return bool(gone.rowcount)

    async def muted(self) -> frozenset[str]:
        """User ids."""
        async with self._database.reading() as connection:
            return frozenset((await connection.execute(sa.select(mutes.c.user_id))).scalars().all())
