"""What one replica does for all: whoever holds the lease, until it is not renewed. Postgres only, by its clock."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.store.database import Database, metadata

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("holder", sa.String(255), nullable=False),
    sa.Column("until", sa.DateTime(timezone=True), nullable=False),
)


class LeaseStore:
    """On SQLite, which one replica has for itself, every lease is that one's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take it, or renew it, for so long; False while somebody else has it."""
        if self._database.sqlite:
            return True
        until = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        row = insert(leases).values(name=name, holder=holder, until=until)
        free = (leases.c.holder == holder) | (leases.c.until < sa.func.now())
        taken = row.on_conflict_do_update(index_elements=["name"], set_={"holder": holder, "until": until}, where=free)
        async with self._database.begin() as connection:
            got: str | None = (await connection.execute(taken.returning(leases.c.holder))).scalar_one_or_none()
        return got == holder

    async def give_up(self, name: str, holder: str) -> None:
        """Others need not wait until it ends."""
        mine = (leases.c.name == name) & (leases.c.holder == holder)
        async with self._database.begin() as connection:
            await connection.execute(leases.delete().where(mine))
