"""Which of Slack's requests have been seen: noted before their effect, so a second delivery has none (S10, S11)."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.store.database import Database, metadata

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
)

KEPT_FOR = timedelta(days=2)


class RequestStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, request_id: str) -> bool:
        """Whether this is the first time that the request is seen; remembers it."""
        try:
            async with self._database.begin() as connection:
                await connection.execute(requests.insert().values(id=request_id, at=datetime.now(UTC)))
        except IntegrityError:
            return False
        return True

    async def forget_old(self) -> int:
        """Drop the ones that no system repeats any more."""
        async with self._database.begin() as connection:
            gone = await connection.execute(requests.delete().where(requests.c.at < datetime.now(UTC) - KEPT_FOR))
            return gone.rowcount
