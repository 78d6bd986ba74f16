"""Which user group had a handle first: whoever takes a handle over, even while no process runs, inherits nothing."""

from collections.abc import Mapping

import sqlalchemy as sa

from bot.ports import Clock
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.database import Database, metadata
from bot.store.statements import among, unless_there

group_handles = sa.Table(
    "group_handles",
    metadata,
    sa.Column("handle", sa.String(255), primary_key=True),
    sa.Column("group_id", sa.String(64), nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
)
_SEEN = unless_there(group_handles)
_FIRST = sa.select(group_handles.c.handle, group_handles.c.group_id).where(among(group_handles.c.handle, "seen"))


class GroupHandleStore:
    """Implements the port HandlePins, for all replicas and every start. Raises DatabaseAway."""

    def __init__(self, database: Database, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock

    async def first(self, seen: Mapping[str, str]) -> Mapping[str, str]:
        if not seen:
            return {}
        now = self._clock.now()
        rows = [{"handle": handle, "group_id": id, "since": now} for handle, id in seen.items()]
        async with self._database.begin() as connection:
            await connection.execute(_SEEN.on(connection), rows)
            return {row.handle: row.group_id for row in (await connection.execute(_FIRST, {"seen": list(seen)})).all()}
