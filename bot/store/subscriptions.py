"""Who wants to be told when the gates of a promotion hold."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Person
from bot.store.database import Database, metadata

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("promotion_id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(32), primary_key=True),
)


class SubscriptionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, promotion: str, person: Person) -> None:
        """Asking twice is asking once."""
        insert = self._database.insert(subscriptions)
        row = insert.values(promotion_id=promotion, user_id=person.id).on_conflict_do_nothing()
        async with self._database.begin() as connection:
            await connection.execute(row)

    async def take(self, connection: AsyncConnection, promotion: str) -> tuple[str, ...]:
        """In the caller's transaction: the users to tell, who are told by that and wait no more."""
        mine = subscriptions.c.promotion_id == promotion
        users = (await connection.execute(sa.select(subscriptions.c.user_id).where(mine))).scalars().all()
        await connection.execute(subscriptions.delete().where(mine))
        return tuple(sorted(users))
