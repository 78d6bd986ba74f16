"""Freezes that people called."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.safety import Freeze
from bot.ports import Clock
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import given

freezes = sa.Table(
    "freezes",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("app", sa.String(255), nullable=False),
    sa.Column("environment", sa.String(64), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
)
_ALL = sa.select(freezes.c.state)
_HOLDING = _ALL.where(given(freezes.c.environment), given(freezes.c.app) | (freezes.c.app == ""))
_FREEZE = _ALL.where(given(freezes.c.id))
_EXACTLY = given(freezes.c.app, freezes.c.environment)
_CALLED_HERE = _ALL.where(_EXACTLY)
_CALLED = freezes.insert()
_ENDED = freezes.delete().where(_EXACTLY)
_CLEARED = freezes.delete().where(given(freezes.c.id))


class FreezeStore:
    """A freeze is there until it is ended or, expired, cleared away; an expired one holds nothing."""

    def __init__(self, database: Database, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock

    async def active(self, app: str, environment: str) -> Freeze | None:
        """Of the freezes that hold this app there now, the one that lasts longest."""
        async with self._database.reading() as connection:
            return await self.active_in(connection, app, environment)

    async def active_in(self, connection: AsyncConnection, app: str, environment: str) -> Freeze | None:
        found = await _load(connection, _HOLDING, {"app": app, "environment": environment})
        now = self._clock.now()
        holding = [freeze for freeze in found if freeze.lasts(now) and freeze.covers(app, environment)]
        return max(holding, key=lambda freeze: freeze.until, default=None)

    async def call(self, connection: AsyncConnection, freeze: Freeze) -> None:
        """In the caller's transaction; calling the same one twice is calling it once."""
        if not await _load(connection, _FREEZE, {"id": freeze.id}):
            values = {"id": freeze.id, "app": freeze.app, "environment": freeze.environment, "state": dump(freeze)}
            await connection.execute(_CALLED, values)

    async def end(self, connection: AsyncConnection, app: str, environment: str) -> tuple[Freeze, ...]:
        """End those that were called for exactly this app ("" for all) and environment; which they were."""
        here = {"app": app, "environment": environment}
        found = await _load(connection, _CALLED_HERE, here)
        await connection.execute(_ENDED, here)
        return found

    async def clear(self, connection: AsyncConnection, freeze: Freeze) -> bool:
        """Take one away that has expired; False when somebody did already."""
        gone = await connection.execute(_CLEARED, {"id": freeze.id})
        return gone.rowcount == 1

    async def all(self) -> tuple[Freeze, ...]:
        """Expired ones too, until they are cleared away; oldest first."""
        async with self._database.reading() as connection:
            found = await _load(connection, _ALL)
        return tuple(sorted(found, key=lambda freeze: freeze.since))


async def _load(
    connection: AsyncConnection, query: sa.Select[Any], named: Mapping[str, str] | None = None
) -> tuple[Freeze, ...]:
    return tuple(load(state, Freeze) for state in (await connection.execute(query, named)).scalars().all())
