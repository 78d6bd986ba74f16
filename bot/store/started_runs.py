"""Which pipeline runs Pilothouse has started, and for whom: what a run itself says of that, anybody can write."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from bot.store.database import Database, metadata
from bot.store.statements import among, unless_there

# `run` is its uid in the cluster. A name is anybody's again once its run is deleted.
started_runs = sa.Table(
    "started_runs",
    metadata,
    sa.Column("run", sa.String(253), primary_key=True),
    sa.Column("requester", sa.String(255), nullable=False),
    sa.Column("at", sa.Float, nullable=False, index=True),
)
KEPT_FOR = 180 * 86_400.0
"""seconds for which it is known who asked for a run; clusters keep their runs for days"""
_NOTED = unless_there(started_runs)
_FORGOTTEN = started_runs.delete().where(started_runs.c.at < sa.bindparam("before"))
_REQUESTERS = sa.select(started_runs.c.run, started_runs.c.requester).where(among(started_runs.c.run, "runs"))


class StartedRunStore:
    """Times are seconds since the epoch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, run: str, requester: str, now: float) -> None:
        """Who asked for a run, by its uid, first stays the one who asked for it. Forgets the oldest."""
        async with self._database.begin() as connection:
            await connection.execute(_NOTED.on(connection), {"run": run, "requester": requester, "at": now})
            await connection.execute(_FORGOTTEN, {"before": now - KEPT_FOR})

    async def requesters(self, runs: Iterable[str]) -> Mapping[str, str]:
        """Of those that Pilothouse has started."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_REQUESTERS, {"runs": list(runs)})).all()
        return {row.run: row.requester for row in rows}
